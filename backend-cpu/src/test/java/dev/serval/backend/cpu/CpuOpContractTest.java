package dev.serval.backend.cpu;

import dev.serval.api.backend.Backend;
import dev.serval.tck.OpContract;
import org.junit.jupiter.api.AfterAll;

class CpuOpContractTest extends OpContract {

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
