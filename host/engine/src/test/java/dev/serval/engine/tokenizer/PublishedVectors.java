package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A vocabulary of llama.cpp's {@code models} folder: {@code NAME.gguf}, its test texts {@code
 * NAME.gguf.inp}, and {@code NAME.gguf.out} with the ids that the original tokenizer gives for
 * each.
 */
record PublishedVectors(Tokenizer tokenizer, List<String> texts, List<String> ids) {

  private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

  static PublishedVectors read(Path vocabulary, Path texts, Path ids) throws IOException {
    Tokenizer tokenizer;
    try (GgufFile f = GgufFile.open(vocabulary)) {
      tokenizer = new Tokenizers().fromMetadata(f.source().metadata());
    }
    List<String> lines = Files.readString(ids).lines().map(String::strip).toList();
    // What follows the last separator, if anything, is a text only in files that do not end in one.
    List<String> pieces = List.of(Files.readString(texts).split(SEPARATOR, -1));
    return new PublishedVectors(tokenizer, pieces.subList(0, lines.size()), lines);
  }

  /**
   * Compares ids, and texts come back.
   *
   * @param prefix what the tokenizer puts before a text
   */
  void check(int expectedTexts, String prefix) {
    assertEquals(expectedTexts, texts.size());
    for (int i = 0; i < texts.size(); i++) {
      String text = texts.get(i);
      int[] got = tokenizer.encode(text, false, false);
      assertArrayEquals(SpmTokenizerTest.ids(ids.get(i)), got, "text " + i + ": " + text);
      String back = SpmTokenizerTest.text(tokenizer, got);
      assertEquals(text.isEmpty() ? "" : prefix + text, back, "text " + i);
    }
  }
}
