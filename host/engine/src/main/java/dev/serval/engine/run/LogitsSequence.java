package dev.serval.engine.run;

import dev.serval.api.error.ServalException;
import dev.serval.api.runtime.LogitsSink;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/** A text whose logits are wanted after each token. */
final class LogitsSequence extends Sequence {

  private final int[] ids;
  private final LogitsSink sink;

  /** Completed on the runner thread; cancelled if the work was abandoned. */
  private final CompletableFuture<Void> done = new CompletableFuture<>();

  /** Rows handed to the sink; not again when they are computed again. */
  private int delivered;

  LogitsSequence(int[] ids, LogitsSink sink) {
    this.ids = ids;
    this.sink = sink;
  }

  CompletableFuture<Void> done() {
    return done;
  }

  /** Keeps the sink from being called again; waits for a call under way. From any thread. */
  synchronized void abandon() {
    done.cancel(false);
  }

  @Override
  int length() {
    return ids.length;
  }

  @Override
  int token(int position) {
    return ids[position];
  }

  @Override
  boolean wants(int position) {
    return position >= delivered;
  }

  @Override
  int wanted(int n) {
    return Math.clamp(computed() + n - delivered, 0, n);
  }

  @Override
  synchronized void take(int position, MemorySegment logits) {
    if (done.isDone()) {
      return;
    }
    try {
      sink.accept(position, logits);
    } catch (RuntimeException | Error e) {
      done.completeExceptionally(e);
      return;
    }
    delivered = position + 1;
    if (position == ids.length - 1) {
      done.complete(null);
    }
  }

  @Override
  boolean isEnded() {
    return done.isDone();
  }

  @Override
  void endCancelled() {
    done.cancel(false);
  }

  @Override
  void fail(ServalException failure) {
    done.completeExceptionally(failure);
  }
}
