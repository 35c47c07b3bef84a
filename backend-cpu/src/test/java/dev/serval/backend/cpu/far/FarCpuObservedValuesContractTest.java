package dev.serval.backend.cpu.far;

import dev.serval.api.backend.Backend;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.backend.cpu.CpuOptions;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.tck.ObservedValuesContract;
import dev.serval.tck.far.FarBackend;
import org.junit.jupiter.api.AfterAll;

class FarCpuObservedValuesContractTest extends ObservedValuesContract {

  private static final CpuBackend CPU = new CpuBackend(new CpuOptions(1, KernelSets.best().set()));
  private static final FarBackend BACKEND = new FarBackend(CPU);

  @Override
  protected Backend backend() {
    return BACKEND;
  }

  @Override
  protected int stride() {
    return 3;
  }

  @AfterAll
  static void close() {
    BACKEND.close();
    CPU.close();
  }
}
