package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.tck.ProgramLifeContract;

class ReferenceProgramLifeContractTest extends ProgramLifeContract {

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }
}
