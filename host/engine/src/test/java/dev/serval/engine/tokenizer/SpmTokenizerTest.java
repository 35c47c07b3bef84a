package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.gguf.GoldenFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SpmTokenizerTest {

  private static final Tokenizer GOLDEN = golden();

  private static Tokenizer golden() {
    try (GgufFile f = GgufFile.open(GoldenFile.of("vocab-spm.gguf"))) {
      return new Tokenizers().fromMetadata(f.source().metadata());
    }
  }

  static Stream<String> goldenLines() throws IOException {
    return Files.readString(GoldenFile.of("tokenizer-spm.tsv")).lines();
  }

  static int[] ids(String field) {
    return Stream.of(field.split(" "))
        .filter(id -> !id.isEmpty())
        .mapToInt(Integer::parseInt)
        .toArray();
  }

  static String text(Tokenizer tokenizer, int... ids) {
    Detokenizer d = tokenizer.detokenizer();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      d.append(id, text);
    }
    d.flush(text);
    return text.toString();
  }

  @ParameterizedTest
  @MethodSource("goldenLines")
  void givesTheIdsOfLlamaCpp(String line) {
    String[] fields = line.split("\t");
    String text = fields[0].translateEscapes();

    assertArrayEquals(ids(fields[1]), GOLDEN.encode(text, true, true), "with control tokens");
    assertArrayEquals(ids(fields[2]), GOLDEN.encode(text, true, false), "without");
  }

  @Test
  void goldenTableIsThere() throws IOException {
    assertEquals(39, goldenLines().count());
    assertEquals(958, GOLDEN.vocabSize());
    assertTrue(GOLDEN.isEndOfGeneration(1));
    assertTrue(GOLDEN.isEndOfGeneration(6));
    assertFalse(GOLDEN.isEndOfGeneration(2));
  }

  @Test
  void randomTextsComeBack() {
    for (long seed = 0; seed < 300; seed++) {
      String text = RandomText.of(seed).replace('▁', ' ');
      int[] ids = GOLDEN.encode(text, false, false);
      assertEquals(text, text(GOLDEN, ids), "seed " + seed);
    }
  }

  @Test
  void mergesTheHighestScoreFirstAndTiesFromTheLeft() {
    Tokenizer t =
        Vocab.basic()
            .add("a", 0) // 3
            .add("b", 0) // 4
            .add("ab", -2) // 5
            .add("ba", -1) // 6
            .add("aa", -3) // 7
            .add("abb", -9) // 8
            .tokenizer();

    assertArrayEquals(new int[] {3, 6}, t.encode("aba", false, false));
    assertArrayEquals(new int[] {7, 7, 3}, t.encode("aaaaa", false, false));
    assertArrayEquals(new int[] {8}, t.encode("abb", false, false));
    assertArrayEquals(new int[] {3, 6, 4}, t.encode("abab", false, false));
  }

  @Test
  void zeroScoresOfEitherSignTie() {
    Tokenizer t = Vocab.basic().add("a", 0).add("b", 0).add("ab", -0.0).add("ba", 0.0).tokenizer();

    assertArrayEquals(new int[] {5, 3}, t.encode("aba", false, false));
  }

  @Test
  void charactersWithoutTokenBecomeBytesOrUnknown() {
    Tokenizer bytes = Vocab.basic().bytes().tokenizer();
    assertArrayEquals(new int[] {3 + 0xC3, 3 + 0xA9}, bytes.encode("é", false, false));
    assertEquals("é", text(bytes, 3 + 0xC3, 3 + 0xA9));

    Tokenizer letters = Vocab.basic().add("a", 0).tokenizer();
    assertArrayEquals(new int[] {3, 0, 3}, letters.encode("aéa", false, false));

    Tokenizer raw =
        Vocab.basic()
            .add(new byte[] {(byte) 0xC3}, 0, TokenType.NORMAL)
            .add(new byte[] {(byte) 0xA9}, 0, TokenType.NORMAL)
            .tokenizer();
    assertArrayEquals(new int[] {3, 4}, raw.encode("é", false, false));
    assertEquals("é", text(raw, 3, 4));
  }

  @Test
  void addsWhatTheVocabularyWants() {
    Vocab v = Vocab.basic().add("▁", 0).add("a", 0).add("▁a", -1).add("<x>", 0, TokenType.CONTROL);
    assertArrayEquals(new int[] {1, 4}, v.tokenizer().encode("a", true, false));

    Tokenizer prefixed =
        v.with("tokenizer.ggml.add_space_prefix", true)
            .with("tokenizer.ggml.add_eos_token", true)
            .tokenizer();
    assertArrayEquals(new int[] {1, 5, 2}, prefixed.encode("a", true, false));
    assertArrayEquals(new int[] {5, 6, 5}, prefixed.encode("a<x>a", false, true));
    assertArrayEquals(new int[] {1, 2}, prefixed.encode("", true, false));
    assertEquals(" a", text(prefixed, 5));

    Tokenizer bare = v.with("tokenizer.ggml.add_bos_token", false).tokenizer();
    assertArrayEquals(new int[] {5, 2}, bare.encode("a", true, false));
  }

  @Test
  void onlyMarkupNamesControlTokens() {
    Tokenizer t =
        Vocab.basic()
            .bytes()
            .add("<go>", 0, TokenType.CONTROL) // 259
            .add("<tag>", 0, TokenType.USER_DEFINED) // 260
            .tokenizer();

    assertArrayEquals(new int[] {259, 260}, t.encode("<go><tag>", false, true));
    int[] plain = t.encode("<go><tag>", false, false);
    assertArrayEquals(new int[] {63, 106, 114, 65, 260}, plain);
    assertEquals("<go><tag>", text(t, plain));

    assertArrayEquals(
        new int[] {259, 63, 106, 114, 65, 259},
        t.encode(
            List.of(TextPart.markup("<go>"), TextPart.plain("<go>"), TextPart.markup("<go>")),
            false));
    assertArrayEquals(
        new int[] {63, 106, 114, 65},
        t.encode(List.of(TextPart.markup("<g"), TextPart.plain("o>")), false),
        "a control token must not be completed by plain text");
    assertArrayEquals(
        new int[] {259},
        t.encode(List.of(TextPart.markup("<g"), TextPart.plain(""), TextPart.markup("o>")), false));
  }

  @Test
  void plainTextNeverMergesToControlToken() {
    Tokenizer t =
        Vocab.basic()
            .add("<", 0)
            .add("x", 0)
            .add("<x", 0, TokenType.CONTROL) // 5
            .tokenizer();

    assertArrayEquals(new int[] {3, 4}, t.encode("<x", false, false));
    assertArrayEquals(new int[] {5}, t.encode("<x", false, true));
  }

  @Test
  void partsAreOneText() {
    Tokenizer t =
        Vocab.basic()
            .bytes()
            .add("a", 0) // 259
            .add("b", 0) // 260
            .add("ab", 0) // 261
            .add("\n", 0, TokenType.USER_DEFINED) // 262
            .add("\n\n", 0, TokenType.USER_DEFINED) // 263
            .tokenizer();

    assertArrayEquals(
        new int[] {261}, t.encode(List.of(TextPart.markup("a"), TextPart.plain("b")), false));
    assertArrayEquals(
        new int[] {263}, t.encode(List.of(TextPart.markup("\n"), TextPart.plain("\n")), false));
    assertArrayEquals(
        t.encode("😀", false, false),
        t.encode(List.of(TextPart.plain("\uD83D"), TextPart.markup("\uDE00")), false));
  }

  @Test
  void loneSurrogatesBecomeReplacementCharacters() {
    int[] ids = GOLDEN.encode("a\uD83Db\uDE00", false, false);

    assertEquals("a\uFFFDb\uFFFD", text(GOLDEN, ids));
  }

  @Test
  void emptyAndDuplicateTextsAreTolerated() {
    Tokenizer t = Vocab.basic().add("", 0).add("a", 0).add("a", 5).add("", 0).tokenizer();

    assertArrayEquals(new int[] {4, 4}, t.encode("aa", false, false));
    assertEquals("a", text(t, 5));
    assertEquals("[EMPTY_3]", new String(t.bytes(3), StandardCharsets.UTF_8));
    assertEquals("[EMPTY_6]", new String(t.bytes(6), StandardCharsets.UTF_8));
  }

  @Test
  void bytesOfControlTokensAreTheirNames() {
    assertEquals("<start_of_turn>", new String(GOLDEN.bytes(5), StandardCharsets.UTF_8));
    assertTrue(GOLDEN.isControl(5));
    assertTrue(GOLDEN.isControl(3), "unknown");
    assertFalse(GOLDEN.isControl(4), "user-defined");
    assertEquals("", text(GOLDEN, 2, 5, 3, 6, 1));
    assertEquals("<mask>", text(GOLDEN, 4));
  }

  @Test
  void idsOutsideTheVocabularyAreProgrammingErrors() {
    assertThrows(IndexOutOfBoundsException.class, () -> GOLDEN.bytes(958));
    assertThrows(IndexOutOfBoundsException.class, () -> GOLDEN.isControl(-1));
    assertThrows(IndexOutOfBoundsException.class, () -> GOLDEN.isEndOfGeneration(958));
  }
}
