package dev.serval.api.runtime;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Starting without an engine, as here: the api's tests have none on their path. */
class ServalTest {

  @Test
  void saysWhatIsMissingWhenThereIsNoEngine() {
    String message = assertThrows(IllegalStateException.class, Serval::start).toString();
    assertTrue(message.contains(ServalProvider.class.getName()), message);
    assertTrue(message.contains("dev.serval.engine"), message);
  }
}
