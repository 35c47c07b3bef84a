package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import dev.serval.api.text.Tokenizer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class VocabularyTest {

  private static final String KEY = "tokenizer.ggml.";

  private static Metadata.Builder good() {
    return Vocab.basic().add("a", 0).metadata();
  }

  static Stream<Arguments> unusable() {
    return Stream.of(
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "model", "bert").build(),
            "tokenizer.ggml.model: expected one of llama, gpt2, gemma4, got bert"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "model", "gpt2").put(KEY + "pre", "poro-chat").build(),
            "tokenizer.ggml.pre: expected one of a.x-4.0, codeshell, "),
        arguments(
            Reason.KEY_MISSING,
            good().put(KEY + "model", "gpt2").build().without(KEY + "merges"),
            "tokenizer.ggml.merges"),
        arguments(
            Reason.KEY_MISSING,
            good().put(KEY + "model", "gemma4").build().without(KEY + "merges"),
            "tokenizer.ggml.merges"),
        arguments(
            Reason.KEY_MISSING, good().build().without(KEY + "model"), "tokenizer.ggml.model"),
        arguments(
            Reason.KEY_MISSING, good().build().without(KEY + "tokens"), "tokenizer.ggml.tokens"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "tokens", TextArray.of()).build(),
            "tokenizer.ggml.tokens: expected at least one token"),
        arguments(
            Reason.KEY_INVALID,
            good().put(KEY + "tokens", new long[] {1}).build(),
            "tokenizer.ggml.tokens: expected an array of texts"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "scores", new double[3]).build(),
            "tokenizer.ggml.scores: expected one entry for each of 4 tokens, got 3"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "scores", new double[] {0, 0, Double.NaN, 0}).build(),
            "tokenizer.ggml.scores: expected numbers, got NaN at 2"),
        arguments(
            Reason.KEY_INVALID,
            good().put(KEY + "scores", new long[4]).build(),
            "tokenizer.ggml.scores"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "token_type", new long[2]).build(),
            "tokenizer.ggml.token_type: expected one entry for each of 4 tokens, got 2"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "bos_token_id", 4).build(),
            "tokenizer.ggml.bos_token_id: expected a token id below 4, got 4"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "eos_token_id", -2).build(),
            "tokenizer.ggml.eos_token_id"),
        arguments(
            Reason.VOCABULARY,
            good().put(KEY + "eos_token_ids", new long[] {1, 99}).build(),
            "tokenizer.ggml.eos_token_ids"));
  }

  @ParameterizedTest
  @MethodSource("unusable")
  void refusesUnusableVocabulary(Reason reason, Metadata metadata, String message) {
    ModelRefusedException e =
        assertThrows(ModelRefusedException.class, () -> new Tokenizers().fromMetadata(metadata));

    assertEquals(reason, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }

  @Test
  void scoresAndTypesMayBeAbsentOrLonger() {
    Metadata bare = good().build().without(KEY + "scores").without(KEY + "token_type");
    assertArrayEquals(
        new int[] {1, 3}, new Tokenizers().fromMetadata(bare).encode("a", true, false));
    Metadata longer =
        good().put(KEY + "scores", new double[9]).put(KEY + "token_type", new long[9]).build();
    assertEquals(4, new Tokenizers().fromMetadata(longer).vocabSize());
  }

  @Test
  void minusOneStandsForNoToken() {
    Tokenizer t = Vocab.basic().add("a", 0).with(KEY + "bos_token_id", 0xFFFF_FFFFL).tokenizer();

    assertArrayEquals(new int[] {3}, t.encode("a", true, false));
  }

  @Test
  void codeModelsEndAtFillInTheMiddle() {
    Vocab v = Vocab.basic().add("<|fim_pad|>", 0).add("<PAD>", 0).add("<|file_sep|>", 0);
    assertArrayEquals(new int[] {2, 3, 5}, endOfGeneration(v));
    assertTrue(v.tokenizer().isControl(3));
    v.with(KEY + "fim_pad_token_id", 4);
    assertArrayEquals(new int[] {2, 4, 5}, endOfGeneration(v), "the key counts");
  }

  @Test
  void struckOutTextDoesNotEndGemma() {
    Vocab v = Vocab.basic().add("<eos>", 0).add("<end_of_turn>", 0).with(KEY + "eos_token_id", 3);
    assertArrayEquals(new int[] {3, 4}, endOfGeneration(v));
  }

  private static int[] endOfGeneration(Vocab vocab) {
    Tokenizer t = vocab.tokenizer();
    return IntStream.range(0, t.vocabSize()).filter(t::isEndOfGeneration).toArray();
  }

  @Test
  void keysAndNamesEndTheGeneration() {
    Vocab v = Vocab.basic().add("a", 0).add("<end_of_turn>", 0).add("b", 0).add("c", 0);

    assertArrayEquals(new int[] {2, 4}, endOfGeneration(v));
    v.with(KEY + "eos_token_id", 3).with(KEY + "eot_token_id", 5);
    v.with(KEY + "fim_pad_token_id", 6);
    assertArrayEquals(new int[] {3, 4, 5, 6}, endOfGeneration(v), "</s> is a tag");
    assertTrue(v.tokenizer().isControl(4), "named in the list");
    assertFalse(v.tokenizer().isControl(3), "named by a key only");
    assertEquals("", SpmTokenizerTest.text(v.tokenizer(), 3), "but never printed");
  }

  @Test
  void ollamaListsSeveralEnds() {
    Metadata m = good().put(KEY + "eos_token_ids", new long[] {1, 3}).build();
    Tokenizer t = new Tokenizers().fromMetadata(m);

    assertTrue(t.isEndOfGeneration(1) && t.isEndOfGeneration(2) && t.isEndOfGeneration(3));
  }

  @Test
  void fileNamesTokensThatAreNeverDrawn() {
    Metadata m = good().put(KEY + "suppress_tokens", new long[] {3, -1, 4, 1L << 40}).build();
    Tokenizer t = new Tokenizers().fromMetadata(m);

    assertArrayEquals(
        new int[] {3}, IntStream.range(0, t.vocabSize()).filter(t::isSuppressed).toArray());
    assertFalse(new Tokenizers().fromMetadata(good().build()).isSuppressed(3));
  }

  @Test
  void namesOfOtherTemplatesAreTakenOut() {
    Vocab harmony = Vocab.basic().add("<|end|>", 0).add("<|return|>", 0).add("<|channel|>", 0);
    assertArrayEquals(new int[] {2, 3, 4}, endOfGeneration(harmony));
    assertTrue(harmony.tokenizer().isControl(3));
    assertFalse(harmony.tokenizer().isControl(5), "visible to a reader of the text");

    harmony.add("<|call|>", 0);
    assertArrayEquals(new int[] {2, 4, 6}, endOfGeneration(harmony));
    assertFalse(harmony.tokenizer().isControl(3));

    Vocab tools = Vocab.basic().add("<|tool_response>", 0).with(KEY + "eos_token_id", 1);
    assertArrayEquals(new int[] {1, 3}, endOfGeneration(tools));
  }
}
