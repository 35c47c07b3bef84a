package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Long inputs without structure take work that grows with their length; counted, not timed. */
class WorstCaseTest {

  /** Bytes of a long text in each build, and at night. */
  private static final int LONG = 1 << 17;

  private static final int LONGER = 1 << 20;

  /** Most characters that any rule looks at for one byte of text, of several rules one by one. */
  private static final int VISITS_PER_BYTE = 20;

  private static Vocabulary doubling() {
    Vocab vocab = Vocab.basic().bytes();
    for (String unit : new String[] {"a", "▁", "\n", "😀"}) {
      for (int n = 1; n <= 64; n *= 2) {
        vocab.add(unit.repeat(n), -n);
      }
    }
    return Vocabulary.read(vocab.metadata().build());
  }

  @ParameterizedTest
  @CsvSource({
    "a, 262144",
    "▁, 262144",
    "😀, 262144",
    "é, 65536",
    "a▁, 65536",
    "ab, 65536",
    "a😀é, 65536"
  })
  void workGrowsWithLength(String unit, int size) {
    int repeats = size / unit.getBytes(StandardCharsets.UTF_8).length;
    byte[] text = unit.repeat(repeats).getBytes(StandardCharsets.UTF_8);
    int characters = repeats * unit.codePointCount(0, unit.length());
    Vocabulary vocabulary = doubling();
    TokenList out = new TokenList();

    SpmMerge merge = new SpmMerge(vocabulary, text);
    merge.run(new ByteTokens(vocabulary, 0), out);

    assertTrue(merge.merges() < characters, merge.merges() + " merges");
    assertTrue(merge.candidates() < 3L * characters, merge.candidates() + " candidates");
    assertTrue(out.toArray().length > 0);
  }

  @Test
  void mergesAllTheWayUp() {
    Vocabulary vocabulary = doubling();
    TokenList out = new TokenList();
    SpmMerge merge = new SpmMerge(vocabulary, "a".repeat(1 << 12).getBytes(StandardCharsets.UTF_8));
    merge.run(new ByteTokens(vocabulary, 0), out);

    assertEquals(4096 - 64, merge.merges());
    int[] ids = out.toArray();
    assertEquals(64, ids.length);
    assertEquals(vocabulary.id("a".repeat(64)), ids[0]);
  }

  static Stream<String> splittings() {
    return Stream.of(
        "gpt-2", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "starcoder", "falcon", "default");
  }

  /** Repeated; the uneven ones are what a scanner could look through again. */
  private static final List<String> UNITS =
      List.of(
          "a", " ", "\n", "\t", "\r\n", "😀", "A", "日", "\u0301", "1", "½", "!", "'", "/", "a ",
          " \n", "aA", "ªA", "A\u0301", "!/", "'s", "$1", "-\n");

  /** A long run, and what ends it at once or not at all. */
  private static final List<String> RUNS = List.of(" a", "\u00A0\n", "!A", "\u0301A", "ªAA", "1!");

  private static Stream<String> worstTexts(int bytes) {
    Stream<String> repeated =
        UNITS.stream().map(u -> u.repeat(bytes / u.getBytes(StandardCharsets.UTF_8).length));
    Stream<String> runs =
        RUNS.stream()
            .flatMap(r -> {
              String first = r.substring(0, 1);
              String rest = r.substring(1);
              return Stream.of(
                  first.repeat(bytes / 4) + rest, first + rest.repeat(bytes / 4) + first);
            });
    return Stream.concat(repeated, runs);
  }

  @ParameterizedTest
  @MethodSource("splittings")
  void cuttingLooksAtNoCharacterOftenAgain(String name) {
    PreTokenizer preTokenizer = Splitting.of("pre", name).preTokenizer();
    worstTexts(LONG / 4)
        .forEach(text -> {
          byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
          ScannedText scanned = new ScannedText(bytes);
          int[] end = {0};
          preTokenizer.split(
              scanned,
              0,
              bytes.length,
              (from, until) -> {
                assertEquals(end[0], from);
                end[0] = until;
              });
          assertEquals(bytes.length, end[0]);
          assertTrue(
              scanned.visits() <= (long) VISITS_PER_BYTE * bytes.length,
              () -> scanned.visits() + " visits for " + bytes.length + " bytes of " + shown(text));
        });
  }

  private static String shown(String text) {
    return text.substring(0, 4).strip() + "…" + text.substring(text.length() - 2).strip();
  }

  private static Vocab pairs(Vocab vocab, String... units) {
    for (String unit : units) {
      for (int n = 1; n <= 32; n *= 2) {
        vocab.merge(unit.repeat(n), unit.repeat(n));
      }
    }
    return vocab;
  }

  @ParameterizedTest
  @MethodSource("splittings")
  void byteLevelWorkGrowsWithLength(String pre) {
    byteLevelWork(pre, LONG);
  }

  @ParameterizedTest
  @MethodSource("splittings")
  @Tag("nightly")
  void byteLevelWorkGrowsWithGreatLength(String pre) {
    byteLevelWork(pre, LONGER);
  }

  private static void byteLevelWork(String pre, int bytes) {
    ByteLevelTokenizer t =
        (ByteLevelTokenizer) pairs(Vocab.byteLevel(pre), "a", "Ġ", "Ċ", "ðŁĺĢ", "!").tokenizer();
    for (String unit : List.of("a", " ", "\n", "😀")) {
      byte[] text = unit.repeat(bytes / unit.length()).getBytes(StandardCharsets.UTF_8);
      TokenList out = new TokenList();
      ByteLevelTokenizer.Words words = t.encoder(text, out);
      words.encode(0, text.length);

      assertTrue(words.merges() < text.length, words.merges() + " merges");
      assertTrue(words.candidates() < 3L * text.length, words.candidates() + " candidates");
      assertTrue(words.visits() <= (long) VISITS_PER_BYTE * text.length, "visits");
      assertTrue(out.toArray().length > 0);
    }
  }

  @Test
  void characterLevelWorkGrowsWithLength() {
    characterLevelWork(LONG);
  }

  @Test
  @Tag("nightly")
  void characterLevelWorkGrowsWithGreatLength() {
    characterLevelWork(LONGER);
  }

  private static void characterLevelWork(int bytes) {
    Vocab vocab = Vocab.basic().bytes().with("tokenizer.ggml.model", "gemma4");
    Gemma4Tokenizer t = (Gemma4Tokenizer) pairs(vocab.add("a", 0), "a", "▁", "\n").tokenizer();
    for (String unit : List.of("a", " ", "\n", "😀", "a ", "a\n")) {
      byte[] text = unit.repeat(bytes / unit.length()).getBytes(StandardCharsets.UTF_8);
      TokenList out = new TokenList();
      Gemma4Tokenizer.Fragments fragments = t.encoder(text, out);
      fragments.encode(0, text.length);

      assertTrue(fragments.merges() < text.length, fragments.merges() + " merges");
      assertTrue(fragments.candidates() < 3L * text.length, fragments.candidates() + "");
      // spaces take three bytes there
      assertTrue(fragments.visits() <= 3L * VISITS_PER_BYTE * text.length, "visits");
      assertTrue(out.toArray().length > 0);
    }
  }
}
