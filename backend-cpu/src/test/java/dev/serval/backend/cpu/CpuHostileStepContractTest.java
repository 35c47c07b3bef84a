package dev.serval.backend.cpu;

import dev.serval.api.backend.Backend;
import dev.serval.tck.HostileStepContract;
import org.junit.jupiter.api.AfterAll;

class CpuHostileStepContractTest extends HostileStepContract {

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
