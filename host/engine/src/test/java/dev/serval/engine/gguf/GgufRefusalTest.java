package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is refused by more than the file's bytes: split models, keys at their use, limits. */
class GgufRefusalTest {

  @TempDir Path dir;

  private static GgufWriter writer() {
    return new GgufWriter();
  }

  @Test
  void opensModelSplitIntoOne() throws IOException {
    byte[] bytes = writer().uint16("split.count", 1).toArray();
    try (GgufFile f = GgufFile.open(Files.write(dir.resolve("test.gguf"), bytes))) {
      assertEquals(1, f.source().metadata().integer("split.count").orElseThrow());
    }
  }

  /** Checks 12 and 13 are made where a key is used, on what the file says. */
  @Test
  void wrongTypeAndRangeOfKnownKeysAreRefusedAtUse() throws IOException {
    byte[] bytes = writer().text("a.block_count", "two").float32("a.eps", Float.NaN).toArray();
    try (GgufFile f = GgufFile.open(Files.write(dir.resolve("test.gguf"), bytes))) {
      var m = f.source().metadata();
      assertEquals(
          Reason.KEY_INVALID,
          assertThrows(ModelRefusedException.class, () -> m.requireInt("a.block_count", 1, 512))
              .reason());
      assertEquals(
          Reason.KEY_INVALID,
          assertThrows(ModelRefusedException.class, () -> m.positiveOr("a.eps", 1)).reason());
    }
  }

  @Test
  void everyLimitCanBeSet() throws IOException {
    byte[] bytes =
        writer()
            .bool("key", true)
            .text("text", "12345")
            .texts("array", "a", "b")
            .bytesAt("name", 0, 1)
            .bytesAt("other", 32, 1)
            .data(64)
            .toArray();
    GgufLimits enough = new GgufLimits(3, 2, 5, 5, 2, 5, 32, 1000);
    GgufFile.open(Files.write(dir.resolve("ok.gguf"), bytes), enough).close();

    refusal(bytes, new GgufLimits(2, 2, 5, 5, 2, 5, 32, 1000), "key/value count");
    refusal(bytes, new GgufLimits(3, 1, 5, 5, 2, 5, 32, 1000), "tensor count");
    refusal(bytes, new GgufLimits(3, 2, 4, 5, 2, 5, 32, 1000), "key length");
    refusal(bytes, new GgufLimits(3, 2, 5, 4, 2, 5, 32, 1000), "value length");
    refusal(bytes, new GgufLimits(3, 2, 5, 5, 1, 5, 32, 1000), "element count");
    refusal(bytes, new GgufLimits(3, 2, 5, 5, 2, 4, 32, 1000), "name length");
    refusal(bytes, new GgufLimits(3, 2, 5, 5, 2, 5, 32, 100), "a header of at most 100 bytes");
    refusal(
        writer().alignment(32).toArray(), new GgufLimits(3, 2, 99, 5, 2, 5, 16, 1000), "up to 16");
  }

  private void refusal(byte[] bytes, GgufLimits limits, String message) throws IOException {
    ModelRefusedException e = refusal(bytes, limits);
    assertTrue(message(e).contains(message), message(e));
  }

  private ModelRefusedException refusal(byte[] bytes, GgufLimits limits) throws IOException {
    Path path = Files.write(dir.resolve("test.gguf"), bytes);
    return assertThrows(ModelRefusedException.class, () -> GgufFile.open(path, limits));
  }

  private static String message(ModelRefusedException e) {
    return String.valueOf(e.getMessage());
  }
}
