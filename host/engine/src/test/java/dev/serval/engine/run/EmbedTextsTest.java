package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.Prompt;
import dev.serval.engine.recall.LetterTokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class EmbedTextsTest {

  private static final int BOS = 1;
  private static final int EOS = 0;

  @Test
  void cutTextsKeepWhatTheVocabularyAddsAtTheEnd() {
    EmbedRequest request = EmbedRequest.of("abcd", "ab", "abc").truncating();
    int[][] ids = ids(request, 4);
    assertArrayEquals(text(BOS, "ab", EOS), ids[0]);
    assertArrayEquals(text(BOS, "ab", EOS), ids[1]);
    assertArrayEquals(text(BOS, "ab", EOS), ids[2]);
  }

  @Test
  void thePrefixCountsAndIsNotCut() {
    EmbedRequest request = EmbedRequest.of("xyz").withPrefix("ab").truncating();
    assertArrayEquals(text(BOS, "abx", EOS), ids(request, 5)[0]);
  }

  @Test
  void tokensAreCutAsTheyAre() {
    Prompt tokens = new Prompt.Tokens(List.of(5, 6, 7, EOS));
    assertArrayEquals(new int[] {5, 6}, ids(EmbedRequest.of(List.of(tokens)).truncating(), 2)[0]);
  }

  @Test
  void aContextOfOneTokenKeepsOne() {
    assertArrayEquals(new int[] {EOS}, ids(EmbedRequest.of("abc").truncating(), 1)[0]);
  }

  private static int[][] ids(EmbedRequest request, int most) {
    ModelInfo info =
        new ModelInfo(
            "test",
            "test",
            0,
            0,
            Optional.empty(),
            LetterTokenizer.VOCAB,
            most,
            most,
            "none",
            "none",
            "none",
            MemoryUse.NONE,
            MemoryUse.NONE,
            0,
            LoadReport.NONE,
            List.of());
    RequestChecks checks = new RequestChecks(info, LetterTokenizer.VOCAB);
    return new EmbedTexts(request, EmbedTextsTest::encode, most).ids(checks);
  }

  private static int[] encode(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Text t -> {
        String all = t.parts().stream().map(p -> p.text()).collect(Collectors.joining());
        yield t.addSpecial() ? text(BOS, all, EOS) : LetterTokenizer.ids(all);
      }
      case Prompt.Tokens t -> t.ids().stream().mapToInt(Integer::intValue).toArray();
      case Prompt.Chat c -> throw new AssertionError(c);
    };
  }

  private static int[] text(int first, String letters, int last) {
    int[] ids = LetterTokenizer.ids(letters);
    int[] all = Arrays.copyOf(new int[] {first}, ids.length + 2);
    System.arraycopy(ids, 0, all, 1, ids.length);
    all[all.length - 1] = last;
    return all;
  }
}
