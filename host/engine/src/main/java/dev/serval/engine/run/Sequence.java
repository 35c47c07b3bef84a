package dev.serval.engine.run;

import dev.serval.api.backend.Output;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import dev.serval.engine.event.PrefillEvent;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A text on its way through a model: tokens known so far, of which the first {@link #computed} are
 * in the cache. Confined to the runner thread, but for {@link #cancel}.
 */
abstract class Sequence {

  private int number = -1;
  private int computed;
  private int sharable = Integer.MAX_VALUE;
  private int rows;
  private boolean parked = true;
  private final long createdNanos = System.nanoTime();
  private @Nullable PrefillEvent prefill;
  private boolean inPrefill;
  private long prefillStart;
  private volatile boolean cancelled;

  /** Number of the sequence in steps and cell tables; −1 while it waits. */
  final int number() {
    return number;
  }

  /** Gives it a number; it is parked still. */
  final void admit(int freeNumber) {
    number = freeNumber;
  }

  /** What takes its place in the queue when it gets a number; null for nothing. */
  @Nullable Sequence follower() {
    return null;
  }

  /** Called once after it got a number; may end the sequence. */
  void admitted() {}

  /** Tokens whose rows are in the cache. */
  final int computed() {
    return computed;
  }

  /**
   * Leading tokens whose rows are in the cache and are those that any text has that begins like
   * this one: rows that moved remember what was dropped.
   */
  final int sharable() {
    return Math.min(computed, sharable);
  }

  /** Tokens known and not computed yet: several in prefill, one in decode. */
  final int remaining() {
    return length() - computed;
  }

  /** States that the next n tokens were computed. */
  void advance(int n) {
    computed += n;
    rows += n;
  }

  /** Rows computed for it, those computed again included. */
  final int rows() {
    return rows;
  }

  /** Whether it waits for room in the cache: it is not computed meanwhile. */
  final boolean isParked() {
    return parked;
  }

  /** Makes it wait for room; none of its tokens is in the cache any more. */
  void park() {
    parked = true;
    computed = 0;
    sharable = Integer.MAX_VALUE;
  }

  /** Ends the wait for room, with so many tokens of it in the cache. */
  final void unpark(int reused) {
    parked = false;
    computed = reused;
  }

  /** When the request was made. */
  final long createdNanos() {
    return createdNanos;
  }

  /**
   * States that what is known of it is computed from now on.
   *
   * @param event recorded at the end, if events are
   */
  final void prefillBegins(@Nullable PrefillEvent event, long nanos) {
    inPrefill = true;
    prefill = event;
    prefillStart = nanos;
  }

  /** Whether tokens are to be computed that were known when it found room. */
  final boolean isInPrefill() {
    return inPrefill;
  }

  /** States that they are computed; returns how long that took. */
  final long prefillEnds(long nanos) {
    inPrefill = false;
    if (prefill != null) {
      prefill.commit();
      prefill = null;
    }
    return nanos - prefillStart;
  }

  /** Notes what was found in the cache, each time it ends a wait for room. */
  void found(PrefixCache.Reuse reuse) {}

  /** Whether it has to be left out of the next step. */
  final boolean isHeldBack() {
    return parked || isPaused() || overflow() > 0;
  }

  /** Leading tokens that need not be computed if their rows are in the cache. */
  int reusable() {
    return 0;
  }

  /**
   * Tokens to drop now because the context is full, right after the {@link #kept} ones; 0 for none.
   */
  int overflow() {
    return 0;
  }

  /** Leading tokens that are not dropped. */
  int kept() {
    return 0;
  }

  /**
   * States that tokens were dropped, from the text and from the cache.
   *
   * @param n the {@link #overflow}
   * @param shift what is in the cache still
   */
  void dropped(int n, PrefixCache.Shift shift) {
    computed = shift.left();
    sharable = shift.moved() > 0 ? kept() : Integer.MAX_VALUE;
  }

  /** A position that another text may go on from: the end of a prompt; 0 for none. */
  int promptEnd() {
    return 0;
  }

  /** Asks for an end; the runner thread carries it out. From any thread. */
  final void cancel() {
    cancelled = true;
  }

  /** Whether an end was asked for. */
  final boolean isCancelled() {
    return cancelled;
  }

  /** Tokens known. */
  abstract int length();

  /** Token at a position below {@link #length}. */
  abstract int token(int position);

  /** Whether the logits after a position are wanted. */
  abstract boolean wants(int position);

  /** How many of the next n positions are wanted. */
  abstract int wanted(int n);

  /** Whether the consumer has no room for another token. */
  boolean isPaused() {
    return false;
  }

  /**
   * How long a paused sequence may still wait for its consumer.
   *
   * @return nanoseconds, 0 or less if the consumer is to be given up
   */
  long patienceNanos() {
    return Long.MAX_VALUE;
  }

  /** What is asked of the program for a wanted position; always the same object. */
  Output output() {
    return Output.full();
  }

  /** Whether {@link #draw} looks at all logits of a row, which takes a while. */
  boolean drawsFromAll() {
    return false;
  }

  /**
   * Looks at the logits after a wanted position, before {@link #take}. Alone may run on another
   * thread than the runner's, beside other sequences; what it does shows in {@code take} only.
   *
   * @param position the position
   * @param row [vocabSize] F32 as {@link #output} asks, valid during the call
   */
  void draw(int position, MemorySegment row) {}

  /**
   * Takes the logits after a wanted position, or what was pooled of the whole text; may add a token
   * or end the sequence.
   *
   * @param position the position; of a pooled row the last one
   * @param row [outputWidth] F32, valid during the call
   */
  abstract void take(int position, MemorySegment row);

  /** Whether it ended. */
  abstract boolean isEnded();

  /** Ends it because that was asked for. */
  abstract void endCancelled();

  /** Ends it with a failure. */
  abstract void fail(ServalException failure);

  /** Ends it because its consumer was given up. */
  void failStalled() {
    throw new IllegalStateException("only a paused sequence can stall");
  }

  /** The failure of a sequence that something was thrown for. */
  static ServalException unexpected(Throwable e) {
    return e instanceof ServalException known
        ? known
        : new RequestRejectedException(Reason.OPTION_INVALID, "the sequence failed: " + e);
  }
}
