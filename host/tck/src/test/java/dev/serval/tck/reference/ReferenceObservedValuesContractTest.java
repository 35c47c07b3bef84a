package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.tck.ObservedValuesContract;

class ReferenceObservedValuesContractTest extends ObservedValuesContract {

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}
