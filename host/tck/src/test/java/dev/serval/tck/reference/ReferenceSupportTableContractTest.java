package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.tck.SupportTableContract;

class ReferenceSupportTableContractTest extends SupportTableContract {

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}
