package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Long inputs without structure take work that grows with their length; counted, not timed. */
class WorstCaseTest {

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
    "a, 1048576",
    "▁, 1048576",
    "😀, 1048576",
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
    TokenList out = new TokenList(new TokenList.ByteTokens(vocabulary, 0));

    SpmMerge merge = new SpmMerge(vocabulary, text);
    merge.run(out);

    assertTrue(merge.merges() < characters, merge.merges() + " merges");
    assertTrue(merge.candidates() < 3 * characters, merge.candidates() + " candidates");
    assertTrue(out.toArray().length > 0);
  }

  @Test
  void mergesAllTheWayUp() {
    Vocabulary vocabulary = doubling();
    TokenList out = new TokenList(new TokenList.ByteTokens(vocabulary, 0));
    SpmMerge merge = new SpmMerge(vocabulary, "a".repeat(1 << 12).getBytes(StandardCharsets.UTF_8));
    merge.run(out);

    assertEquals(4096 - 64, merge.merges());
    int[] ids = out.toArray();
    assertEquals(64, ids.length);
    assertEquals(vocabulary.id("a".repeat(64)), ids[0]);
  }
}
