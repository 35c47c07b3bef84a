package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.api.graph.Mark;
import dev.serval.tck.InterruptContract;
import java.util.function.Consumer;

class ReferenceInterruptContractTest extends InterruptContract {

  @Override
  protected Backend backend(Consumer<Mark> probe) {
    return new ReferenceBackend(probe);
  }
}
