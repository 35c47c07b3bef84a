package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.tck.KvTransferContract;

class ReferenceKvTransferContractTest extends KvTransferContract {

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}
