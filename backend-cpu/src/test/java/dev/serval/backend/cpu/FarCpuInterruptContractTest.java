package dev.serval.backend.cpu;

import dev.serval.api.backend.Backend;
import dev.serval.api.graph.Mark;
import dev.serval.tck.InterruptContract;
import dev.serval.tck.far.FarBackend;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

class FarCpuInterruptContractTest extends InterruptContract {

  private @Nullable CpuBackend cpu;
  private @Nullable FarBackend backend;

  @Override
  protected Backend backend(Consumer<Mark> probe) {
    cpu = new CpuBackend(new CpuOptions(1, LayerProbe.kernels(LAYERS, probe)));
    backend = new FarBackend(cpu);
    return backend;
  }

  @AfterEach
  void close() {
    if (backend != null && cpu != null) {
      backend.close();
      cpu.close();
    }
  }
}
