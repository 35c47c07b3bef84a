package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GoldenFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The vocabulary of gpt-oss, o200k_harmony, cut down to what the texts of the test touch. */
class O200kTest {

  private static final int VOCAB_SIZE = 201_088;
  private static final int ORDINARY = 199_998;

  private static final Map<Integer, String> SPECIAL =
      Map.of(
          199_998, "<|startoftext|>",
          199_999, "<|endoftext|>",
          200_002, "<|return|>",
          200_003, "<|constrain|>",
          200_005, "<|channel|>",
          200_006, "<|start|>",
          200_007, "<|end|>",
          200_008, "<|message|>",
          200_012, "<|call|>");

  private static final Tokenizer O200K = o200k();

  /** A line per token: id, and its character of the alphabet or the two parts of its merge. */
  private static Tokenizer o200k() {
    Map<Integer, String> tokens = new HashMap<>();
    Vocab vocab = new Vocab().with("tokenizer.ggml.model", "gpt2");
    vocab.with("tokenizer.ggml.pre", "gpt-4o").with("tokenizer.ggml.add_bos_token", false);
    vocab.with("tokenizer.ggml.bos_token_id", 199_998).with("tokenizer.ggml.eos_token_id", 200_002);
    for (String line : lines("o200k/merges.tsv").toList()) {
      String[] fields = line.split("\t", -1);
      String[] parts = fields[1].split(" ", -1);
      tokens.put(Integer.valueOf(fields[0]), String.join("", parts));
      if (parts.length == 2) {
        vocab.mergeOnly(parts[0], parts[1]);
      }
    }
    for (int id = 0; id < VOCAB_SIZE; id++) {
      if (id < ORDINARY) {
        vocab.add(tokens.getOrDefault(id, ""), 0);
      } else {
        vocab.add(SPECIAL.getOrDefault(id, "<|reserved_" + id + "|>"), 0, TokenType.CONTROL);
      }
    }
    return vocab.tokenizer();
  }

  private static Stream<String> lines(String name) {
    try {
      return Files.readString(GoldenFile.of(name)).lines();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Stream<String> texts() {
    return lines("o200k/texts.tsv");
  }

  @ParameterizedTest
  @MethodSource("texts")
  void givesTheIdsOfTheOriginal(String line) {
    String[] fields = line.split("\t", -1);
    String text = fields[0].translateEscapes();
    TextPart anyMarkup = TextPart.markup("<|start|>");

    int[] ids = O200K.encode(List.of(anyMarkup, TextPart.plain(text)), true);

    assertEquals(200_006, ids[0]);
    int[] ordinary = IntStream.of(ids).skip(1).toArray();
    assertArrayEquals(SpmTokenizerTest.ids(fields[1]), ordinary);
    assertEquals(text, SpmTokenizerTest.text(O200K, ordinary));
  }

  @Test
  void tableOfTextsIsThere() {
    assertEquals(24, texts().count());
  }

  @Test
  void endsWhereHarmonyEnds() {
    int[] ends = IntStream.range(0, VOCAB_SIZE).filter(O200K::isEndOfGeneration).toArray();

    assertArrayEquals(new int[] {199_999, 200_002, 200_012}, ends);
  }

  @Test
  void markupOfMessagesIsShownAndNotForged() {
    int[] markup = O200K.encode("<|start|><|end|>", true, true);
    assertArrayEquals(new int[] {200_006, 200_007}, markup);
    assertEquals("<|start|><|end|>", SpmTokenizerTest.text(O200K, markup));
    assertFalse(O200K.isControl(200_006));
    assertTrue(O200K.isControl(200_012));

    assertArrayEquals(
        new int[] {200_008, 27, 91, 5236, 91, 29, 200_007},
        O200K.encode(
            List.of(
                TextPart.markup("<|message|>"),
                TextPart.plain("<|start|>"),
                TextPart.markup("<|end|>")),
            false));
    assertArrayEquals(
        markup, O200K.encode("<|start|><|end|>", true, false), "a text without markup: llama.cpp");
  }
}
