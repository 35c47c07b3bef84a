package dev.serval.engine.run;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.engine.kv.KvCache;
import dev.serval.engine.kv.KvCells;
import dev.serval.engine.kv.SequenceNumbers;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The texts whose rows are in the cache: those of running sequences, and those of ended ones, which
 * are kept until their number or their cells are needed. A new sequence begins with the rows of the
 * text that begins most like it, whether that one still runs or not; rows are shared, not copied.
 *
 * <p>Confined to the runner thread. What it does per step allocates nothing.
 */
final class PrefixCache {

  /** Kinds of reasons why not all of a beginning is reused. */
  enum Miss {
    /** All that could be is reused. */
    NONE("none"),
    /** The request did not want it, or there is nothing that could be reused. */
    NOT_ASKED("not-asked"),
    /** No text in the cache has the same first token. */
    UNKNOWN("unknown"),
    /** The texts differ from some token on. */
    DIFFERS("differs"),
    /** The rows that a window sees are gone. */
    WINDOW("window");

    private final String label;

    Miss(String label) {
      this.label = label;
    }

    /** Last part of a counter's name. */
    String label() {
      return label;
    }
  }

  /**
   * A beginning found in the cache.
   *
   * @param tokens leading tokens whose rows can be used
   * @param why the kind of {@code miss}
   * @param miss why these are not all that could be used; empty if they are
   */
  record Reuse(int tokens, Miss why, String miss) {}

  /**
   * What dropping tokens left of the rows behind them.
   *
   * @param left tokens whose rows are in the cache still
   * @param moved rows among them that moved
   * @param miss why the others have to be computed again; empty if there are none
   */
  record Shift(int left, int moved, String miss) {}

  /** The text of a sequence that ended; the first is the one used least recently. */
  private static final class Kept {

    private final int number;
    private final int[] tokens;

    Kept(int number, int[] tokens) {
      this.number = number;
      this.tokens = tokens;
    }
  }

  private final KvCache cache;
  private final KvCells cells;
  private final SequenceNumbers numbers;
  private final List<Sequence> active;
  private final List<Kept> kept = new ArrayList<>();
  private long parked;

  /**
   * Starts empty.
   *
   * @param cache cells and rows of the program
   * @param numbers sequences the program knows at most
   * @param active the running sequences, changed by the scheduler
   */
  PrefixCache(KvCache cache, int numbers, List<Sequence> active) {
    this.cache = cache;
    cells = cache.cells();
    this.numbers = new SequenceNumbers(numbers);
    this.active = active;
  }

  /**
   * Gives a sequence a number. If there is none left the oldest kept text gives way, but rather not
   * the one that the sequence begins like.
   */
  void admit(Sequence s) {
    if (!numbers.isAnyLeft()) {
      Kept alike = null;
      int most = 0;
      for (Kept k : kept) {
        int common = common(s, k.tokens, s.reusable());
        alike = common > most ? k : alike;
        most = Math.max(most, common);
      }
      if (alike != null) {
        kept.remove(alike);
        kept.add(alike);
      }
      evictOldest();
    }
    s.admit(numbers.take());
  }

  /**
   * A beginning that a sequence shares now, whose windows may have to be restored.
   *
   * @param most leading tokens that might be reused
   * @param longest leading tokens that a text in the cache has too
   * @param tokens leading tokens to go on from
   */
  private record Beginning(int most, int longest, int tokens) {}

  /** Lets a sequence that holds nothing share the longest beginning in the cache. */
  private Beginning share(Sequence s) {
    int most = Math.min(s.reusable(), s.length() - 1);
    if (most <= 0) {
      return new Beginning(0, 0, 0);
    }
    int source = -1;
    int best = 0;
    int longest = 0;
    for (Sequence other : active) {
      int common = other.equals(s) || other.number() < 0 ? 0 : common(s, other, most);
      int usable = common > best ? cache.resumable(other.number(), common).position() : 0;
      longest = Math.max(longest, common);
      if (usable > best) {
        best = usable;
        source = other.number();
      }
    }
    Kept used = null;
    for (Kept k : kept) {
      int common = common(s, k.tokens, most);
      int usable = common > best ? cache.resumable(k.number, common).position() : 0;
      longest = Math.max(longest, common);
      if (usable > best) {
        best = usable;
        source = k.number;
        used = k;
      }
    }
    if (best > 0) {
      cache.fork(source, s.number(), best);
    }
    if (used != null) {
      refresh(used, best);
    }
    return new Beginning(most, longest, best);
  }

  /**
   * Has a sequence hold what its next token sees; kept texts give way where cells lack for that.
   */
  private Reuse restore(Sequence s, Beginning shared) {
    while (!cache.hasRoom(s.number(), shared.tokens()) && evictOldest()) {
      // one more
    }
    int tokens = cache.resume(s.number(), shared.tokens()).position();
    return found(shared.most(), shared.longest(), tokens);
  }

  private static Reuse found(int most, int longest, int tokens) {
    if (most <= 0) {
      return new Reuse(0, Miss.NOT_ASKED, "reuse was not asked for");
    }
    if (tokens == most) {
      return new Reuse(tokens, Miss.NONE, "");
    }
    if (longest == 0) {
      return new Reuse(tokens, Miss.UNKNOWN, "no text in the cache begins like this one");
    }
    return tokens == longest
        ? new Reuse(
            tokens, Miss.DIFFERS, "the text in the cache differs from token " + longest + " on")
        : new Reuse(
            tokens,
            Miss.WINDOW,
            longest
                + " tokens are known, but what the next one sees is gone from the window: computing"
                + " goes on from token "
                + tokens);
  }

  /** Tokens that two texts have in common and the second has rows of that the first may use. */
  private static int common(Sequence s, Sequence other, int most) {
    int n = Math.min(most, other.sharable());
    int i = 0;
    while (i < n && s.token(i) == other.token(i)) {
      i++;
    }
    return i;
  }

  private static int common(Sequence s, int[] tokens, int most) {
    int n = Math.min(most, tokens.length);
    int i = 0;
    while (i < n && s.token(i) == tokens[i]) {
      i++;
    }
    return i;
  }

  /** A kept text that was used is the newest; one that goes on as another is kept no longer. */
  private void refresh(Kept used, int tokens) {
    kept.remove(used);
    if (tokens == used.tokens.length) {
      forget(used);
    } else {
      kept.add(used);
    }
  }

  /** Keeps what a sequence that ended has in the cache and others may use. */
  void keep(Sequence s) {
    int n = s.sharable();
    if (n == 0) {
      cache.remove(s.number(), 0);
      numbers.release(s.number());
      return;
    }
    cache.remove(s.number(), n);
    int[] tokens = new int[n];
    for (int i = 0; i < n; i++) {
      tokens[i] = s.token(i);
    }
    Kept text = new Kept(s.number(), tokens);
    for (int i = kept.size() - 1; i >= 0; i--) {
      Kept other = kept.get(i);
      if (common(s, other.tokens, n) == other.tokens.length) {
        kept.remove(i);
        forget(other);
      }
    }
    kept.add(text);
  }

  private void forget(Kept text) {
    cache.remove(text.number, 0);
    numbers.release(text.number);
  }

  /**
   * Takes tokens behind the kept ones of a sequence out of its rows. Those behind them move, if the
   * program can move keys and no window loses what it sees; else they are gone too. That depends on
   * the text only: what others share is copied, and they give way where there is no room for that,
   * as in {@link #makeRoom}.
   *
   * @param n tokens to drop
   * @return what is left; null if the sequence has to wait for room: nothing is changed then
   */
  @Nullable Shift drop(Sequence s, int n) {
    int begin = Math.min(s.kept(), s.computed());
    int whole = Math.max(begin, s.computed() - n);
    String problem = String.join("; ", cache.shiftProblems());
    if (problem.isEmpty() && !cache.keepsWindows(s.number(), begin, begin + n)) {
      problem = "a window is longer than what is behind the dropped tokens";
    }
    if (problem.isEmpty()) {
      while (!cache.hasRoomToMove(s.number(), begin, begin + n)) {
        if (!anyGivesWay(s, 0)) {
          return null;
        }
      }
      try {
        cache.remove(s.number(), begin, begin + n);
      } catch (OutOfBudgetException e) {
        problem = e.toString();
      }
    }
    int left = cache.resume(s.number(), problem.isEmpty() ? whole : begin).position();
    return new Shift(left, Math.max(0, left - begin), left == whole ? "" : problem);
  }

  /** Has a kept text give way, or a sequence that is paused or younger. */
  private boolean anyGivesWay(Sequence s, long inStep) {
    if (evictOldest()) {
      return true;
    }
    Sequence victim = victim(s, inStep);
    if (victim != null) {
      park(victim);
    }
    return victim != null;
  }

  /** Frees the kept text used least recently; returns whether there was one. */
  private boolean evictOldest() {
    if (kept.isEmpty()) {
      return false;
    }
    forget(kept.removeFirst());
    return true;
  }

  /**
   * Makes room for the next tokens of a sequence: kept texts give way, oldest first, then paused
   * sequences, then younger ones that are not in the step yet. Sequences that give way are parked.
   *
   * @param s the sequence
   * @param n tokens of it in the step
   * @param inStep bit i: sequence i has its cells in the step already
   * @return whether there is room now
   */
  boolean makeRoom(Sequence s, int n, long inStep) {
    while (!cells.fits(s.number(), s.computed(), n)) {
      if (!anyGivesWay(s, inStep)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Ends a parked sequence's wait if it finds room as a whole, with what it can reuse. Only kept
   * texts and paused sequences give way.
   *
   * @return what it reuses, or null if it has to wait on
   */
  @Nullable Reuse resume(Sequence s) {
    Beginning shared = share(s);
    while (!cells.fits(s.number(), shared.tokens(), s.length() - shared.tokens())) {
      if (!evictOldest()) {
        Sequence victim = pausedVictim(s, 0);
        if (victim == null) {
          cache.remove(s.number(), 0);
          return null;
        }
        park(victim);
      }
    }
    Reuse reuse = restore(s, shared);
    s.unpark(reuse.tokens());
    return reuse;
  }

  private void park(Sequence victim) {
    cache.remove(victim.number(), 0);
    victim.park();
    parked++;
  }

  /** How often a sequence had to give way. */
  long parked() {
    return parked;
  }

  /** The youngest paused sequence, or else the youngest after {@code s}. */
  private @Nullable Sequence victim(Sequence s, long inStep) {
    Sequence paused = pausedVictim(s, inStep);
    if (paused != null) {
      return paused;
    }
    for (int i = active.size() - 1; i > active.indexOf(s); i--) {
      if (canGiveWay(active.get(i), s, inStep)) {
        return active.get(i);
      }
    }
    return null;
  }

  private @Nullable Sequence pausedVictim(Sequence s, long inStep) {
    for (int i = active.size() - 1; i >= 0; i--) {
      Sequence other = active.get(i);
      if (other.isPaused() && canGiveWay(other, s, inStep)) {
        return other;
      }
    }
    return null;
  }

  private static boolean canGiveWay(Sequence other, Sequence s, long inStep) {
    return !other.equals(s) && !other.isParked() && (inStep & 1L << other.number()) == 0;
  }
}
