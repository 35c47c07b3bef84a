package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damages files in every place: each is refused with a typed error, or opens with tensors that lie
 * inside it; and opening takes no more memory than the file's metadata warrants.
 */
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class GgufDamageTest {

  /** What a field's type, sign and range make interesting, as 64 bits. */
  private static final long[] WORDS = {
    0,
    1,
    -1,
    2,
    32,
    0x7FFF_FFFFL,
    0x8000_0000L,
    0x7FFF_FFFF_7FFF_FFFFL,
    0x8000_0000_8000_0000L,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    1L << 32,
    0x0101_0101_0101_0101L,
  };

  @TempDir Path dir;

  @Test
  void everyPrefixIsRefusedOrOpensWithinBounds() throws IOException {
    FieldedFile file = FieldedFile.example();
    byte[] whole = file.toArray();
    try (DamagedFile damaged = new DamagedFile(dir, whole, file.header().length)) {
      for (int n = 0; n <= whole.length; n++) {
        boolean opened = damaged.opensWith(Arrays.copyOf(whole, n));
        assertEquals(n == whole.length, opened, "prefix of " + n + " bytes");
      }
    }
  }

  @Test
  void everyFlippedBitIsRefusedOrOpensWithinBounds() throws IOException {
    FieldedFile file = FieldedFile.example();
    try (DamagedFile damaged = new DamagedFile(dir, file.toArray(), file.header().length)) {
      flipBits(damaged);
      assertTrue(damaged.refused() > damaged.headerBytes(), damaged.refused() + " refused");
      assertTrue(damaged.opened() > damaged.headerBytes(), damaged.opened() + " opened");
    }
  }

  @Test
  void everyOverwrittenWordIsRefusedOrOpensWithinBounds() throws IOException {
    FieldedFile file = FieldedFile.example();
    try (DamagedFile damaged = new DamagedFile(dir, file.toArray(), file.header().length)) {
      overwriteWords(damaged);
      assertTrue(damaged.refused() > damaged.headerBytes(), damaged.refused() + " refused");
    }
  }

  @Test
  @Tag("nightly")
  @Timeout(value = 3600, threadMode = ThreadMode.SEPARATE_THREAD)
  void everyDamageToARealModelIsRefusedOrOpensWithinBounds() throws IOException {
    Path model = GoldenFile.of("gemma3-mini-Q8_0.gguf");
    try (GgufPart part = GgufPart.open(model, GgufLimits.DEFAULT);
        DamagedFile damaged =
            new DamagedFile(dir, Files.readAllBytes(model), part.tensors().start())) {
      flipBits(damaged);
      overwriteWords(damaged);
      for (int n = 0; n <= damaged.headerBytes(); n++) {
        damaged.opensWithPrefix(n);
      }
      assertTrue(damaged.refused() > damaged.headerBytes(), damaged.refused() + " refused");
    }
  }

  private static void flipBits(DamagedFile damaged) throws IOException {
    for (int at = 0; at < damaged.headerBytes(); at++) {
      for (int bit = 0; bit < 8; bit++) {
        damaged.opensWith(at, new byte[] {(byte) (damaged.whole(at) ^ (1 << bit))});
      }
    }
  }

  private static void overwriteWords(DamagedFile damaged) throws IOException {
    for (int at = 0; at < damaged.headerBytes() - 8; at++) {
      for (long word : WORDS) {
        damaged.opensWith(at, new GgufWriter.Bytes().int64(word).toArray());
        damaged.opensWith(at, new GgufWriter.Bytes().int32(word).toArray());
      }
    }
  }
}
