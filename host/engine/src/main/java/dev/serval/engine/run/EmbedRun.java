package dev.serval.engine.run;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The texts of one embedding request. One of them at a time is in the queue: when it is admitted,
 * the next takes its place at the end, so that a request has one place however many texts it has,
 * and several requests take turns.
 *
 * <p>Confined to the runner thread, but for {@link #done} and {@link #texts}.
 */
final class EmbedRun {

  private final EmbedSequence[] texts;
  private final int width;
  private final boolean normalise;
  private final LongAdder embedded;
  private final float[][] vectors;
  private int missing;

  /** Completed on the runner thread with [texts, width]; cancelled if the work was abandoned. */
  private final CompletableFuture<float[][]> done = new CompletableFuture<>();

  /**
   * Creates a run.
   *
   * @param ids token ids of each text, at least one text; not to be changed
   * @param width elements of the vectors: the first ones of a row
   * @param normalise whether vectors are scaled to length 1
   * @param embedded counts texts
   */
  EmbedRun(int[][] ids, int width, boolean normalise, LongAdder embedded) {
    this.width = width;
    this.normalise = normalise;
    this.embedded = embedded;
    vectors = new float[ids.length][width]; // here, so that the runner allocates nothing
    missing = ids.length;
    texts = new EmbedSequence[ids.length];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = new EmbedSequence(this, i, ids[i]);
    }
  }

  CompletableFuture<float[][]> done() {
    return done;
  }

  /** The texts, in order. */
  EmbedSequence[] texts() {
    return texts;
  }

  /** The text that waits after text {@code i}; null if there is none, or nobody waits for it. */
  @Nullable EmbedSequence after(int i) {
    return i + 1 < texts.length && !done.isDone() ? texts[i + 1] : null;
  }

  /**
   * Takes what was computed of a text.
   *
   * @param row [width or more] F32, valid during the call
   * @throws RequestRejectedException if it is not finite
   */
  void take(int i, MemorySegment row) {
    float[] v = vectors[i];
    MemorySegment.copy(row, ValueLayout.JAVA_FLOAT, 0, v, 0, width);
    double squares = 0; // no sum of squares of floats leaves the range of a double
    for (float x : v) {
      squares += (double) x * x;
    }
    if (!Double.isFinite(squares)) {
      throw new RequestRejectedException(
          Reason.NOT_FINITE,
          "text "
              + (i + 1)
              + " of "
              + texts.length
              + ": the model computed a vector that is not finite");
    }
    if (normalise && squares > 0) {
      double length = Math.sqrt(squares);
      for (int k = 0; k < width; k++) {
        v[k] = (float) (v[k] / length);
      }
    }
    embedded.increment();
    missing--;
    if (missing == 0) {
      done.complete(vectors);
    }
  }

  /** Ends it because that was asked for. */
  void endCancelled() {
    done.cancel(false);
  }

  /** Ends it with a failure; texts under way are given up. */
  void fail(ServalException failure) {
    done.completeExceptionally(failure);
    for (EmbedSequence s : texts) {
      s.cancel();
    }
  }
}
