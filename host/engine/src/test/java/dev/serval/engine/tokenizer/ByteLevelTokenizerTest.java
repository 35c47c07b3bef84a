package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.model.Metadata;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.gguf.GoldenFile;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteLevelTokenizerTest {

  private static final String KEY = "tokenizer.ggml.";

  private static final Tokenizer GOLDEN = golden();

  private static Tokenizer golden() {
    try (GgufFile f = GgufFile.open(GoldenFile.of("vocab-bpe.gguf"))) {
      return new Tokenizers().fromMetadata(f.source().metadata());
    }
  }

  static Stream<String> goldenLines() throws IOException {
    return Files.readString(GoldenFile.of("tokenizer-bpe.tsv")).lines();
  }

  @ParameterizedTest
  @MethodSource("goldenLines")
  void givesTheIdsOfLlamaCpp(String line) {
    String[] fields = line.split("\t", -1);
    String text = fields[0].translateEscapes();

    assertArrayEquals(
        SpmTokenizerTest.ids(fields[1]), GOLDEN.encode(text, true, true), "with control tokens");
    assertArrayEquals(SpmTokenizerTest.ids(fields[2]), GOLDEN.encode(text, true, false), "without");
  }

  @Test
  void goldenTableIsThere() throws IOException {
    assertEquals(39, goldenLines().count());
    assertEquals(865, GOLDEN.vocabSize());
  }

  @Test
  void randomTextsComeBack() {
    for (long seed = 0; seed < 300; seed++) {
      String text = RandomText.of(seed);
      int[] ids = GOLDEN.encode(text, false, false);
      assertTrue(IntStream.of(ids).allMatch(id -> id >= 0 && id < 865), "seed " + seed);
      assertEquals(text, SpmTokenizerTest.text(GOLDEN, ids), "seed " + seed);
    }
  }

  @Test
  void mergesTheLowestRankFirstAndTiesFromTheLeft() {
    Tokenizer t =
        Vocab.byteLevel("gpt-2")
            .merge("b", "a") // 256
            .merge("a", "b") // 257
            .merge("a", "a") // 258
            .merge("ab", "b") // 259
            .tokenizer();

    assertArrayEquals(new int[] {'a', 256}, t.encode("aba", false, false));
    assertArrayEquals(new int[] {258, 258, 'a'}, t.encode("aaaaa", false, false));
    assertArrayEquals(new int[] {259}, t.encode("abb", false, false));
    assertArrayEquals(new int[] {'a', 256, 'b'}, t.encode("abab", false, false));
  }

  @Test
  void firstOfEqualMergesCounts() {
    Tokenizer t =
        Vocab.byteLevel("gpt-2")
            .merge("a", "b") // 256
            .merge("b", "c") // 257
            .mergeOnly("a", "b")
            .mergeOnly("nothing", "")
            .tokenizer();

    assertArrayEquals(new int[] {256, 'c'}, t.encode("abc", false, false));
  }

  @Test
  void mergesGoThroughTextsThatAreNoTokens() {
    Tokenizer t = Vocab.byteLevel("gpt-2").mergeOnly("x", "y").merge("xy", "z").tokenizer();
    assertArrayEquals(new int[] {256, 'x', 'y'}, t.encode("xyzxy", false, false));
  }

  @ParameterizedTest
  @CsvSource({"llama-bpe, 258", "gpt-2, 256 99", "dbrx, 256 99"})
  void wholePreTokensNeedNoMergesWhereTheFamilySaysSo(String pre, String expected) {
    Tokenizer t =
        Vocab.byteLevel(pre)
            .merge("a", "b") // 256
            .merge("b", "c") // 257
            .add("abc", 0) // 258
            .with("tokenizer.ggml.bos_token_id", 0)
            .tokenizer();

    assertArrayEquals(SpmTokenizerTest.ids(expected), t.encode("abc", false, false));
    assertArrayEquals(new int[] {256, 'd'}, t.encode("abd", false, false));
  }

  @Test
  void addsWhatTheVocabularyWants() {
    Vocab llama = Vocab.byteLevel("llama-bpe").with(KEY + "bos_token_id", 1);
    assertArrayEquals(new int[] {1, 'a'}, llama.tokenizer().encode("a", true, false));
    assertArrayEquals(new int[] {'a'}, llama.tokenizer().encode("a", false, false));
    llama.with(KEY + "add_bos_token", false);
    assertArrayEquals(new int[] {'a'}, llama.tokenizer().encode("a", true, false));

    Vocab gpt2 = Vocab.byteLevel("gpt-2");
    assertArrayEquals(new int[] {'a'}, gpt2.tokenizer().encode("a", true, false));
    gpt2.with(KEY + "add_bos_token", true).with(KEY + "add_eos_token", true);
    assertArrayEquals(
        new int[] {11, 'a', 11}, gpt2.tokenizer().encode("a", true, false), "GPT-2's first ids");
    gpt2.with(KEY + "bos_token_id", 2).with(KEY + "eos_token_id", 3);
    assertArrayEquals(new int[] {2, 'a', 3}, gpt2.tokenizer().encode("a", true, false));
    assertArrayEquals(new int[] {2, 3}, gpt2.tokenizer().encode("", true, false));
  }

  @Test
  void missingNameOfSplittingMeansDefault() {
    Metadata named = Vocab.byteLevel("default").merge("-", "-").metadata().build();
    Tokenizer t = new Tokenizers().fromMetadata(named.without(KEY + "pre"));

    assertArrayEquals(new int[] {256}, t.encode("--", false, false));
    assertArrayEquals(
        new Tokenizers().fromMetadata(named).encode("a--b 1234", false, false),
        t.encode("a--b 1234", false, false));
  }

  @Test
  void specialTokensAreTextAndNotInTheAlphabet() {
    Tokenizer t =
        Vocab.byteLevel("gpt-2")
            .add("é ", 0, TokenType.USER_DEFINED) // 256
            .add("<go>", 0, TokenType.CONTROL) // 257
            .tokenizer();

    assertArrayEquals(new int[] {'a', 256, 'b'}, t.encode("aé b", false, false));
    assertEquals("aé b", SpmTokenizerTest.text(t, 'a', 256, 'b'));
    assertArrayEquals(new int[] {257}, t.encode("<go>", false, true));
    assertArrayEquals(
        new int[] {257, '<', 'g', 'o', '>'},
        t.encode(List.of(TextPart.markup("<go>"), TextPart.plain("<go>")), false));
    assertEquals("", SpmTokenizerTest.text(t, 257));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt-2", "llama-bpe"})
  void plainTextNeverMergesToControlToken(String pre) {
    Tokenizer t =
        Vocab.byteLevel(pre)
            .mergeOnly("g", "o")
            .mergeOnly("go", "!")
            .add("go", 0, TokenType.CONTROL) // 256
            .tokenizer();

    assertArrayEquals(new int[] {'g', 'o'}, t.encode("go", false, false));
    assertArrayEquals(new int[] {256}, t.encode("go", false, true));
  }

  @Test
  void bytesWithoutTokenAreLost() {
    Tokenizer t = new Vocab().with(KEY + "model", "gpt2").add("a", 0).add("b", 0).tokenizer();

    assertArrayEquals(new int[] {0, 1}, t.encode("aéc b\uD800", false, false));
  }

  @Test
  void malformedSpecialTokensCutNoCharacter() {
    Tokenizer t =
        Vocab.byteLevel("gpt-2")
            .add(new byte[] {(byte) 0xC3}, 0, TokenType.USER_DEFINED)
            .add(new byte[] {(byte) 0xA9}, 0, TokenType.CONTROL)
            .tokenizer();

    assertArrayEquals(new int[] {0xC3, 0xA9}, t.encode("é", false, true));
  }

  @Test
  void tokensOutsideTheAlphabetStandForTheirText() {
    Tokenizer t =
        Vocab.byteLevel("gpt-2")
            .add("Ġ日x", 0) // 256
            .add("<0x41>", 0, TokenType.BYTE) // 257
            .add(new byte[] {'a', (byte) 0xC4}, 0, TokenType.NORMAL) // 258
            .tokenizer();

    assertEquals(" 日xA", SpmTokenizerTest.text(t, 256, 257));
    assertArrayEquals(new byte[] {'a', (byte) 0xC4}, t.bytes(258));
  }

  @Test
  void loneSurrogatesBecomeReplacementCharacters() {
    int[] ids = GOLDEN.encode("a\uD83Db\uDE00", false, false);

    assertEquals("a\uFFFDb\uFFFD", SpmTokenizerTest.text(GOLDEN, ids));
  }
}
