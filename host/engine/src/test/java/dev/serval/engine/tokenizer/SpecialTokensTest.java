package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.text.TextPart;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpecialTokensTest {

  /** A token or a piece of text, as upstream's partition names them. */
  private record Piece(int start, int length, int id) {}

  private static List<Piece> found(Vocab vocab, List<TextPart> parts) {
    Vocabulary vocabulary = Vocabulary.read(vocab.metadata().build());
    List<Piece> pieces = new ArrayList<>();
    new SpecialTokens(vocabulary)
        .find(
            PromptText.of(parts), (start, length, id) -> pieces.add(new Piece(start, length, id)));
    return pieces;
  }

  /** Token by token, longest first, each searching all that is left: slow and obvious. */
  private static List<Piece> expected(List<String> tokens, List<Boolean> control, String text) {
    List<Piece> fragments = new ArrayList<>(List.of(new Piece(0, text.length(), -1)));
    List<Integer> order =
        IntStream.range(0, tokens.size())
            .boxed()
            .sorted(Comparator.comparingInt((Integer i) -> -tokens.get(i).length()))
            .toList();
    for (int i : order) {
      if (control.get(i)) {
        continue;
      }
      List<Piece> after = new ArrayList<>();
      for (Piece f : fragments) {
        int from = f.start();
        int end = f.start() + f.length();
        int at = f.id() >= 0 ? -1 : text.indexOf(tokens.get(i), from);
        while (at >= 0 && at + tokens.get(i).length() <= end) {
          after.add(new Piece(from, at - from, -1));
          after.add(new Piece(at, tokens.get(i).length(), i));
          from = at + tokens.get(i).length();
          at = text.indexOf(tokens.get(i), from);
        }
        after.add(new Piece(from, end - from, f.id()));
      }
      fragments = after;
    }
    return fragments.stream().filter(p -> p.id() >= 0).toList();
  }

  @Test
  void partitionsAsUpstreamDoes() {
    for (long seed = 0; seed < 2000; seed++) {
      Random random = new Random(seed);
      List<String> tokens = new ArrayList<>();
      List<Boolean> control = new ArrayList<>();
      Vocab vocab = new Vocab();
      for (int n = 1 + random.nextInt(6); n > 0; n--) {
        String token = letters(random, 1 + random.nextInt(4));
        tokens.add(token);
        control.add(random.nextInt(4) == 0);
        vocab.add(token, 0, control.getLast() ? TokenType.CONTROL : TokenType.USER_DEFINED);
      }
      String text = letters(random, random.nextInt(30));

      assertEquals(
          expected(tokens, control, text),
          found(vocab, List.of(TextPart.plain(text))),
          "seed " + seed + ", tokens " + tokens + ", text " + text);
      assertEquals(
          expected(tokens, control.stream().map(c -> false).toList(), text),
          found(vocab, List.of(TextPart.markup(text))),
          "markup, seed " + seed + ", tokens " + tokens + ", text " + text);
    }
  }

  private static String letters(Random random, int n) {
    StringBuilder s = new StringBuilder();
    for (int i = 0; i < n; i++) {
      s.append((char) ('a' + random.nextInt(2)));
    }
    return s.toString();
  }

  @Test
  void longestTokensTakeRunsFromTheLeft() {
    Vocab vocab = new Vocab();
    for (int n = 1; n <= 31; n++) {
      vocab.add("\n".repeat(n), 0, TokenType.USER_DEFINED);
    }
    List<Piece> pieces = found(vocab, List.of(TextPart.plain("\n".repeat(1_000_000))));

    assertEquals(1_000_000 / 31 + 1, pieces.size());
    assertEquals(new Piece(0, 31, 30), pieces.getFirst());
    int rest = 1_000_000 % 31;
    assertEquals(new Piece(1_000_000 - rest, rest, rest - 1), pieces.getLast());
  }
}
