package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.tck.KvShiftContract;

class ReferenceKvShiftContractTest extends KvShiftContract {

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}
