package dev.serval.tck.far;

import dev.serval.api.backend.Backend;
import dev.serval.tck.OpContract;
import dev.serval.tck.reference.ReferenceBackend;
import org.junit.jupiter.api.AfterAll;

class FarOpContractTest extends OpContract {

  private static final FarBackend BACKEND = new FarBackend(new ReferenceBackend());

  @Override
  protected Backend backend() {
    return BACKEND;
  }

  @Override
  protected int stride() {
    return 5;
  }

  @AfterAll
  static void close() {
    BACKEND.close();
  }
}
