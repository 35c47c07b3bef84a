package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.tck.AttentionContract;

class ReferenceAttentionContractTest extends AttentionContract {

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}
