package dev.serval.engine.run;

import dev.serval.api.error.ServalException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A text of an embedding request: computed whole, in one step, and over. */
final class EmbedSequence extends Sequence {

  private final EmbedRun run;
  private final int index;
  private final int[] ids;
  private boolean taken;

  /**
   * Creates a sequence.
   *
   * @param run the request
   * @param index number of the text in the request
   * @param ids the text; not to be changed
   */
  EmbedSequence(EmbedRun run, int index, int[] ids) {
    this.run = run;
    this.index = index;
    this.ids = ids;
  }

  @Override
  @Nullable Sequence follower() {
    return run.after(index);
  }

  @Override
  int length() {
    return ids.length;
  }

  @Override
  int token(int position) {
    return ids[position];
  }

  /** Nothing: none of its rows is in a cache. */
  @Override
  void advance(int n) {}

  @Override
  boolean wants(int position) {
    return false;
  }

  @Override
  int wanted(int n) {
    return 0;
  }

  @Override
  void take(int position, MemorySegment row) {
    run.take(index, row);
    taken = true;
  }

  @Override
  boolean isEnded() {
    return taken || run.done().isDone();
  }

  @Override
  void endCancelled() {
    run.endCancelled();
  }

  @Override
  void fail(ServalException failure) {
    run.fail(failure);
  }
}
