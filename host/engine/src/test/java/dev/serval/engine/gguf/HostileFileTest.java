package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.serval.api.error.ModelRefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every field of the format with every kind of bad value: refused by code, and by name. */
class HostileFileTest {

  private static final int LEAST_CASES = 600;

  @TempDir Path dir;

  private static List<HostileCase> cases() {
    return Stream.of(HeaderCases.all(), PairCases.all(), TensorCases.all())
        .flatMap(s -> s)
        .toList();
  }

  @Test
  void theExampleItselfOpens() throws IOException {
    Path path = Files.write(dir.resolve("test.gguf"), FieldedFile.example().toArray());
    try (GgufFile f = GgufFile.open(path)) {
      assertEquals(4, f.source().tensors().size());
      assertEquals(26, f.source().metadata().keys().size());
    }
  }

  @Test
  void casesAreManyAndDifferent() {
    long different = cases().stream().map(HostileCase::what).distinct().count();
    assertEquals(cases().size(), different, "every case has a name of its own");
    assertTrue(different >= LEAST_CASES, different + " cases");
  }

  @TestFactory
  Stream<DynamicTest> refusesWithCodeAndField() {
    return cases().stream().map(c -> dynamicTest(c.what(), () -> refuses(c)));
  }

  private void refuses(HostileCase c) throws IOException {
    Path path = Files.write(dir.resolve("test.gguf"), c.bytes());
    ModelRefusedException e =
        assertThrows(ModelRefusedException.class, () -> GgufFile.open(path).close());

    String message = String.valueOf(e.getMessage());
    assertEquals(c.reason(), e.reason(), message);
    String beginning = c.beginning().startsWith("key general") ? "" : "test.gguf: ";
    assertTrue(message.startsWith(beginning + c.beginning()), message);
    assertTrue(message.contains(c.part()), message);
  }
}
