package dev.serval.models.gemma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import org.junit.jupiter.api.function.Executable;

/** Assertions on refused models. */
final class Refusals {

  private Refusals() {}

  /** A call is refused for a reason, with a message that names all these. */
  static void assertRefused(Reason reason, Executable call, String... named) {
    ModelRefusedException e = assertThrows(ModelRefusedException.class, call);
    assertEquals(reason, e.reason());
    for (String s : named) {
      assertTrue(String.valueOf(e.getMessage()).contains(s), e + " names " + s);
    }
  }
}
