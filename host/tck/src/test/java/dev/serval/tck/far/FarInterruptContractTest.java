package dev.serval.tck.far;

import dev.serval.api.backend.Backend;
import dev.serval.api.graph.Mark;
import dev.serval.tck.InterruptContract;
import dev.serval.tck.reference.ReferenceBackend;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

class FarInterruptContractTest extends InterruptContract {

  private @Nullable FarBackend backend;

  @Override
  protected Backend backend(Consumer<Mark> probe) {
    backend = new FarBackend(new ReferenceBackend(probe));
    return backend;
  }

  @AfterEach
  void close() {
    if (backend != null) {
      backend.close();
    }
  }
}
