package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The demo model as if it had been trained for long texts: one that a test can interrupt. */
final class LongDemo {

  static final int CONTEXT = 16384;

  /** GGUF's number of the type: 32 bits without sign. */
  private static final int UINT32 = 4;

  private LongDemo() {}

  /** Writes the file. */
  static Path write(Path distribution, Path folder) throws IOException {
    byte[] file = Files.readAllBytes(distribution.resolve("models/demo.gguf"));
    byte[] key = "gemma3.context_length".getBytes(StandardCharsets.US_ASCII);
    int at = Bytes.indexOf(file, key);
    assertTrue(at > 0, "the key is in the file");
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(UINT32, buffer.getInt(at + key.length));
    buffer.putInt(at + key.length + Integer.BYTES, CONTEXT);
    return Files.write(folder.resolve("long.gguf"), file);
  }
}
