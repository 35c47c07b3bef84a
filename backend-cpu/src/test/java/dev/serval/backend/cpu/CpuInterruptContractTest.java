package dev.serval.backend.cpu;

import dev.serval.api.backend.Backend;
import dev.serval.api.graph.Mark;
import dev.serval.tck.InterruptContract;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

class CpuInterruptContractTest extends InterruptContract {

  private @Nullable CpuBackend backend;

  @Override
  protected Backend backend(Consumer<Mark> probe) {
    backend = new CpuBackend(new CpuOptions(2, LayerProbe.kernels(LAYERS, probe)));
    return backend;
  }

  @AfterEach
  void close() {
    if (backend != null) {
      backend.close();
    }
  }
}
