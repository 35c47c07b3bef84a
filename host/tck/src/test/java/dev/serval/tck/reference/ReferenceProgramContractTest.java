package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.tck.ProgramContract;

class ReferenceProgramContractTest extends ProgramContract {

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}
