package dev.serval.backend.cpu;

import dev.serval.api.backend.Backend;
import dev.serval.tck.ObservedValuesContract;
import org.junit.jupiter.api.AfterAll;

class CpuObservedValuesContractTest extends ObservedValuesContract {

  private static final CpuBackend BACKEND = new CpuBackend();

  @Override
  protected Backend backend() {
    return BACKEND;
  }

  @AfterAll
  static void close() {
    BACKEND.close();
  }
}
