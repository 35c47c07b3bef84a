package dev.serval.api.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoadRequestTest {

  private static final LoadRequest REQUEST = LoadRequest.of(Path.of("model.gguf"));

  @Test
  void asManyGenerationsRunAsALongHasBits() {
    assertEquals(64, REQUEST.withMaxSequences(64).maxSequences());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 65, Integer.MAX_VALUE})
  void otherNumbersOfGenerationsAreRefused(int n) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> REQUEST.withMaxSequences(n));
    assertEquals("maxSequences must be 1..64: " + n, e.getMessage());
  }
}
