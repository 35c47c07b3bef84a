package dev.serval.tck.far;

import dev.serval.api.backend.Backend;
import dev.serval.tck.ObservedValuesContract;
import dev.serval.tck.reference.ReferenceBackend;
import org.junit.jupiter.api.AfterAll;

class FarObservedValuesContractTest extends ObservedValuesContract {

  private static final FarBackend BACKEND = new FarBackend(new ReferenceBackend());

  @Override
  protected Backend backend() {
    return BACKEND;
  }

  @AfterAll
  static void close() {
    BACKEND.close();
  }
}
