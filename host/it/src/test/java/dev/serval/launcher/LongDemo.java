package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The demo model as if it had been trained for long texts, and without a token that ends all text:
 * of the tokens that end a generation only the end of a turn is left. One that a test can
 * interrupt.
 */
final class LongDemo {

  static final int CONTEXT = 16384;

  /** The id of the end of a turn in the demo's vocabulary. */
  private static final int END_OF_TURN = 5;

  /** GGUF's number of the type: 32 bits without sign. */
  private static final int UINT32 = 4;

  private LongDemo() {}

  /** Writes the file. */
  static Path write(Path distribution, Path folder) throws IOException {
    byte[] file = Files.readAllBytes(distribution.resolve("models/demo.gguf"));
    set(file, "gemma3.context_length", CONTEXT);
    set(file, "tokenizer.ggml.eos_token_id", END_OF_TURN);
    file[indexOf(file, "<eos>") + 1] = 'x';
    return Files.write(folder.resolve("long.gguf"), file);
  }

  private static void set(byte[] file, String key, int value) {
    int at = indexOf(file, key) + key.length();
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(UINT32, buffer.getInt(at));
    buffer.putInt(at + Integer.BYTES, value);
  }

  private static int indexOf(byte[] file, String text) {
    int at = Bytes.indexOf(file, text.getBytes(StandardCharsets.US_ASCII));
    assertTrue(at > 0, text + " is in the file");
    return at;
  }
}
