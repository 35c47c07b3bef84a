package dev.serval.engine.grammar;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says in the most obvious way whether a grammar allows the beginning of a text: keeps all ways to
 * go on, each a list of expressions, and reads code points.
 */
final class NaiveMatcher {

  private static final int SMALL = 64;

  /** What is still to be matched, in order; null for nothing. */
  private record Rest(Expr head, @Nullable Rest tail) {}

  private final Grammar grammar;

  NaiveMatcher(Grammar grammar) {
    this.grammar = grammar;
  }

  /** Where a text stands. */
  static final class Place {
    /** Ways to go on after the last whole character. */
    private final Set<Rest> rests;

    /** Bytes of the character that the text ends in. */
    private final byte[] unfinished;

    private Place(Set<Rest> rests, byte[] unfinished) {
      this.rests = rests;
      this.unfinished = unfinished;
    }

    /** Whether some text goes on like this. */
    boolean isAlive() {
      return unfinished.length == 0 ? !rests.isEmpty() : readsOneOf(rests, unfinished);
    }

    /** Whether the text may end. */
    boolean isComplete() {
      return unfinished.length == 0
          && rests.stream().anyMatch(r -> r.head().equals(Expr.EMPTY) && r.tail() == null);
    }
  }

  /** The place before any text. */
  Place begin() {
    return new Place(start(), new byte[0]);
  }

  /** The place after more bytes. */
  Place after(Place place, byte[] bytes) {
    int before = place.unfinished.length;
    byte[] all = Arrays.copyOf(place.unfinished, before + bytes.length);
    System.arraycopy(bytes, 0, all, before, bytes.length);
    ByteBuffer in = ByteBuffer.wrap(all);
    CharBuffer out = CharBuffer.allocate(all.length + 1);
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    if (decoder.decode(in, out, false).isError()) {
      return new Place(Set.of(), new byte[0]);
    }
    out.flip();
    Set<Rest> rests = place.rests;
    for (int c : out.toString().codePoints().toArray()) {
      rests = step(rests, c);
    }
    return new Place(rests, Arrays.copyOfRange(all, in.position(), all.length));
  }

  /** Whether the text itself matches. */
  boolean matches(String text) {
    return after(begin(), text.getBytes(StandardCharsets.UTF_8)).isComplete();
  }

  private Set<Rest> start() {
    return expand(new Rest(Expr.rule(Grammar.ROOT), null));
  }

  private Set<Rest> step(Set<Rest> rests, int c) {
    Set<Rest> next = new HashSet<>();
    for (Rest r : rests) {
      if (r.head() instanceof Expr.Chars chars && chars.set().contains(c)) {
        next.addAll(r.tail() == null ? Set.of(new Rest(Expr.EMPTY, null)) : expand(r.tail()));
      }
    }
    return next;
  }

  /** Ways that begin with a character, or are at the end. */
  private Set<Rest> expand(Rest first) {
    Set<Rest> seen = new HashSet<>();
    Set<Rest> done = new HashSet<>();
    Deque<Rest> work = new ArrayDeque<>();
    work.add(first);
    while (!work.isEmpty()) {
      Rest r = work.remove();
      if (!seen.add(r)) {
        continue;
      }
      Rest tail = r.tail();
      switch (r.head()) {
        case Expr.Chars chars -> {
          if (!chars.set().isEmpty()) {
            done.add(r);
          }
        }
        case Expr.Text text -> {
          if (text.text().isEmpty()) {
            if (tail == null) {
              done.add(new Rest(Expr.EMPTY, null));
            } else {
              work.add(tail);
            }
          } else {
            int c = text.text().codePointAt(0);
            String rest = text.text().substring(Character.charCount(c));
            Rest after = rest.isEmpty() ? tail : new Rest(Expr.text(rest), tail);
            done.add(new Rest(new Expr.Chars(CodePoints.of(c)), after));
          }
        }
        case Expr.Sequence s -> {
          Rest all = tail == null ? new Rest(Expr.EMPTY, null) : tail;
          for (Expr part : s.parts().reversed()) {
            all = new Rest(part, all);
          }
          work.add(all);
        }
        case Expr.Choice c -> c.alternatives().forEach(a -> work.add(new Rest(a, tail)));
        case Expr.Repeat r2 -> repeat(r2, tail, work);
        case Expr.Reference ref ->
            work.add(new Rest(grammar.rules().getOrDefault(ref.name(), Expr.NOTHING), tail));
        case Expr.Token t -> throw new AssertionError("tokens are not read: " + t);
      }
    }
    return done;
  }

  private static void repeat(Expr.Repeat r, @Nullable Rest tail, Deque<Rest> work) {
    if (r.min() == 0) {
      work.add(tail == null ? new Rest(Expr.EMPTY, null) : tail);
    }
    if (r.max() != 0) {
      int max = r.max() == Expr.Repeat.UNBOUNDED ? Expr.Repeat.UNBOUNDED : r.max() - 1;
      Expr more = new Expr.Repeat(r.body(), Math.max(0, r.min() - 1), max);
      work.add(new Rest(r.body(), new Rest(more, tail)));
    }
  }

  private static boolean readsOneOf(Set<Rest> rests, byte[] begin) {
    for (Rest r : rests) {
      if (r.head() instanceof Expr.Chars chars) {
        for (int i = 0; i < chars.set().ranges(); i++) {
          if (holdsOne(chars.set().first(i), chars.set().last(i), begin)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Whether one of a range of code points begins with some bytes in UTF-8. */
  private static boolean holdsOne(int first, int last, byte[] begin) {
    if (last - first < SMALL) {
      for (int c = first; c <= last; c++) {
        if (begins(c, begin)) {
          return true;
        }
      }
      return false;
    }
    // Code points in order have bytes in order: look where the bytes would be.
    int low = first;
    int high = last;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Arrays.compareUnsigned(utf8(middle), begin) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return begins(low, begin);
  }

  private static boolean begins(int c, byte[] begin) {
    byte[] bytes = utf8(c);
    return bytes.length > begin.length
        && Arrays.equals(bytes, 0, begin.length, begin, 0, begin.length);
  }

  private static byte[] utf8(int c) {
    return Character.toString(c).getBytes(StandardCharsets.UTF_8);
  }
}
