package dev.serval.backend.cpu;

import dev.serval.api.backend.Backend;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.tck.KvShiftContract;
import org.junit.jupiter.api.AfterAll;

class CpuKvShiftContractTest extends KvShiftContract {

  private static final CpuBackend BACKEND =
      new CpuBackend(new CpuOptions(1, KernelSets.best().set()));

  @Override
  protected Backend backend() {
    return BACKEND;
  }

  @AfterAll
  static void close() {
    BACKEND.close();
  }
}
