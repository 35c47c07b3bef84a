package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.text.Tokenizer;
import org.junit.jupiter.api.Test;

class Gemma4TokenizerTest {

  private static final String KEY = "tokenizer.ggml.";

  /** Byte tokens are 3 to 258. */
  private static Vocab vocab() {
    return Vocab.basic()
        .bytes()
        .with(KEY + "model", "gemma4")
        .with(KEY + "bos_token_id", 1)
        .with(KEY + "eos_token_id", 2)
        .add("a", 0) // 259
        .add("b", 0) // 260
        .add("▁", 0) // 261
        .add("\n", 0); // 262
  }

  @Test
  void mergesByRankAcrossWords() {
    Tokenizer t =
        vocab()
            .merge("a", "▁") // 263
            .merge("▁", "a") // 264
            .merge("▁", "▁") // 265
            .merge("a▁", "b") // 266
            .tokenizer();

    assertArrayEquals(new int[] {266}, t.encode("a b", false, false));
    assertArrayEquals(new int[] {263, 263, 259}, t.encode("a a a", false, false));
    assertArrayEquals(new int[] {265, 264}, t.encode("   a", false, false));
    assertEquals("a b   a", SpmTokenizerTest.text(t, 266, 265, 264));
  }

  @Test
  void partsOfMergesMayBeginWithSpace() {
    Tokenizer t = vocab().add(" ", 0).merge("▁", " ").mergeOnly(" ", "▁").tokenizer();

    assertArrayEquals(new int[] {261, 261}, t.encode("  ", false, false), "no space is left");
  }

  @Test
  void cutsAtLineFeedsAndTakesThemWhole() {
    Tokenizer t =
        vocab()
            .add("\n\n", 0) // 263
            .merge("a", "\n") // 264
            .merge("\n", "a") // 265
            .add("\n\n\n\n", 0) // 266
            .tokenizer();

    assertArrayEquals(new int[] {259, 263, 259}, t.encode("a\n\na", false, false));
    assertArrayEquals(new int[] {262, 262, 262}, t.encode("\n\n\n", false, false), "not a token");
    assertArrayEquals(new int[] {266}, t.encode("\n\n\n\n", false, false));
  }

  @Test
  void charactersWithoutTokenBecomeBytes() {
    Tokenizer t = vocab().tokenizer();

    assertArrayEquals(
        new int[] {259, 3 + 0xC3, 3 + 0xA9, 260, 3 + '\r'}, t.encode("aéb\r", false, false));
    assertEquals("aéb\r", SpmTokenizerTest.text(t, t.encode("aéb\r", false, false)));
  }

  @Test
  void beginsWithTheTokenThatPublishedFilesDeny() {
    Tokenizer t = vocab().with(KEY + "add_bos_token", false).tokenizer();

    assertArrayEquals(new int[] {1, 259}, t.encode("a", true, false));
    assertArrayEquals(new int[] {259}, t.encode("a", false, false));
    assertArrayEquals(new int[] {1, 1, 259}, t.encode("<s>a", true, true));
  }

  @Test
  void randomTextsComeBack() {
    Tokenizer t = vocab().merge("▁", "▁").merge("a", "b").merge("é", "日").tokenizer();
    for (long seed = 0; seed < 300; seed++) {
      String text = RandomText.of(seed).replace('▁', ' ');
      int[] ids = t.encode(text, true, false);
      assertEquals(text, SpmTokenizerTest.text(t, ids), "seed " + seed);
    }
  }

  @Test
  void endsAtTurnsAndTools() {
    Tokenizer t =
        vocab()
            .add("<turn|>", 0, TokenType.CONTROL) // 263
            .add("<|tool_response>", 0, TokenType.USER_DEFINED) // 264
            .with(KEY + "eos_token_id", 0)
            .tokenizer();

    assertTrue(t.isEndOfGeneration(263) && t.isEndOfGeneration(264) && t.isEndOfGeneration(0));
    assertTrue(!t.isEndOfGeneration(2), "</s> is markup of texts there");
  }
}
