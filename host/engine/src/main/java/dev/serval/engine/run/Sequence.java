package dev.serval.engine.run;

import dev.serval.api.backend.Output;
import dev.serval.api.error.ServalException;
import java.lang.foreign.MemorySegment;

/**
 * A text on its way through a model: tokens known so far, of which the first {@link #computed} are
 * in the cache. Confined to the runner thread, but for {@link #cancel}.
 */
abstract class Sequence {

  private int number = -1;
  private int computed;
  private volatile boolean cancelled;

  /** Number of the sequence in steps and cell tables; −1 while it waits. */
  final int number() {
    return number;
  }

  /** Gives it a number. */
  final void admit(int freeNumber) {
    number = freeNumber;
  }

  /** Called once after it got a number; may end the sequence. */
  void admitted() {}

  /** Tokens whose rows are in the cache. */
  final int computed() {
    return computed;
  }

  /** Tokens known and not computed yet: several in prefill, one in decode. */
  final int remaining() {
    return length() - computed;
  }

  /** States that the next n tokens were computed. */
  final void advance(int n) {
    computed += n;
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
   * Takes the logits after a wanted position; may add a token or end the sequence.
   *
   * @param position the position
   * @param logits [vocabSize] F32, valid during the call
   */
  abstract void take(int position, MemorySegment logits);

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
}
