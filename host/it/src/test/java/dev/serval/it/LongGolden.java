package dev.serval.it;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The golden Gemma, told that it was trained for longer texts, and with another window. */
final class LongGolden {

  private LongGolden() {}

  /**
   * Writes the model to a folder.
   *
   * @param context tokens that it was trained for
   * @param window tokens that most of its layers see
   */
  static Path write(Path folder, int context, int window) throws IOException {
    byte[] bytes = Files.readAllBytes(GoldenModel.path("gemma3-mini-Q8_0.gguf"));
    set(bytes, "gemma3.context_length", context);
    set(bytes, "gemma3.attention.sliding_window", window);
    return Files.write(folder.resolve("model.gguf"), bytes);
  }

  /** Overwrites a number of the metadata: the key is followed by its type and the number. */
  private static void set(byte[] file, String key, int value) {
    byte[] name = key.getBytes(StandardCharsets.UTF_8);
    int at = 0;
    while (!new String(file, at, name.length, StandardCharsets.ISO_8859_1).equals(key)) {
      at++;
    }
    ByteBuffer.wrap(file)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(at + name.length + Integer.BYTES, value);
  }
}
