package dev.serval.engine.run;

import dev.serval.api.error.ServalException;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenLogprobs;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.runtime.TokenUse;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The caller's side of a generation: delivers its events on a virtual thread and keeps its result.
 *
 * <p>The runner thread puts events and states the end through {@link #finished} or {@link #failed}.
 * An exception of the sink cancels the generation. A consumer without progress is given up: by the
 * runner while its full ring pauses the sequence, and by whoever waits after the sequence ended.
 */
final class RunningGeneration implements Generation {
  private static final Logger LOG = LoggerFactory.getLogger(RunningGeneration.class);

  private static final long SHORTEST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /**
   * How a generation ended.
   *
   * @param tokens generated ids
   * @param finish why
   * @param use what the tokens cost
   * @param prefillNanos from submission to the first sampled token
   * @param decodeNanos from the first sampled token to the end
   * @param logprobs one for each token, or none
   */
  record End(
      List<Integer> tokens,
      FinishReason finish,
      TokenUse use,
      long prefillNanos,
      long decodeNanos,
      List<TokenLogprobs> logprobs) {}

  private final TokenSink sink;
  private final Function<List<Integer>, String> text;
  private final Runnable onDelivered;
  private final long stallNanos;
  private final EventRing ring;
  private final Thread delivery;
  private final CountDownLatch delivered = new CountDownLatch(1);
  private volatile Runnable onCancel = () -> {};
  private volatile @Nullable End end;
  private volatile @Nullable GenerationResult result;
  private volatile @Nullable ServalException failure;
  private volatile boolean sinkFailed;

  /**
   * Creates a generation without events.
   *
   * @param sink takes the events
   * @param text what generated ids say as a whole
   * @param options bounds
   * @param onRoom runs when a full ring has room again
   * @param onDelivered runs once, when the last event was delivered or dropped
   */
  RunningGeneration(
      TokenSink sink,
      Function<List<Integer>, String> text,
      RunnerOptions options,
      Runnable onRoom,
      Consumer<RunningGeneration> onDelivered) {
    this.sink = sink;
    this.text = text;
    this.onDelivered = () -> onDelivered.accept(this);
    stallNanos = options.stallNanos();
    ring = new EventRing(options.ringBytes(), onRoom);
    delivery = Thread.ofVirtual().name("serval-delivery").unstarted(this::deliver);
  }

  /**
   * Starts delivery.
   *
   * @param cancellation asks the runner to end the sequence; safe from any thread, repeatedly
   */
  void start(Runnable cancellation) {
    onCancel = cancellation;
    delivery.start();
  }

  EventRing ring() {
    return ring;
  }

  private void deliver() {
    try {
      TokenEvent event = ring.take();
      while (event != null) {
        sink.accept(event);
        ring.delivered(event);
        event = ring.take();
      }
    } catch (InterruptedException e) {
      sinkFailed("its thread was interrupted");
    } catch (RuntimeException | Error e) {
      sinkFailed(e.getClass().getName());
    } finally {
      ring.awaitEnd();
      summarize();
      delivered.countDown();
      onDelivered.run();
    }
  }

  /** Makes the result; the tokenizer may come from a model bundle and fail. */
  private void summarize() {
    End how = end;
    if (how == null) {
      return;
    }
    try {
      result =
          new GenerationResult(
              text.apply(how.tokens()),
              how.tokens(),
              sinkFailed ? FinishReason.CANCELLED : how.finish(),
              how.use(),
              how.prefillNanos(),
              how.decodeNanos(),
              how.logprobs());
    } catch (RuntimeException | LinkageError e) {
      failure = Sequence.unexpected(e);
    }
  }

  private void sinkFailed(String what) {
    if (failure == null) {
      LOG.warn("a token sink failed, its generation is cancelled: {}", what);
    }
    sinkFailed = true;
    cancel();
    ring.abandon();
  }

  /** States how it ended; no event follows. */
  void finished(End how) {
    end = how;
    ring.end();
  }

  /** States a failure; no event follows. */
  void failed(ServalException how) {
    failure = how;
    ring.end();
  }

  /** States that the consumer made no progress for too long; drops what it did not take. */
  void giveUp(ServalException how) {
    failure = how;
    ring.abandon();
    ring.end();
    delivered.countDown();
    delivery.interrupt();
  }

  @Override
  public void cancel() {
    onCancel.run();
  }

  @Override
  public boolean isDone() {
    return delivered.getCount() == 0;
  }

  @Override
  public GenerationResult await() throws InterruptedException {
    long wait = stallNanos;
    while (!delivered.await(wait, TimeUnit.NANOSECONDS)) {
      boolean ended = end != null || failure != null;
      long left = stallNanos - ring.stalledNanos();
      if (ended && left <= 0) {
        giveUp(GenerationSequence.stalled(stallNanos));
      }
      wait = ended ? Math.max(left, SHORTEST_WAIT_NANOS) : stallNanos;
    }
    ServalException failed = failure;
    if (failed != null) {
      throw failed;
    }
    GenerationResult finished = result;
    if (finished == null) {
      throw new IllegalStateException("delivered without a result");
    }
    return finished;
  }

  /**
   * Waits for the delivery of all events, and gives up a consumer that takes too long; does nothing
   * on the delivery thread itself.
   *
   * @param deadlineNanos {@link System#nanoTime} until which to wait
   */
  void endDelivery(long deadlineNanos) throws InterruptedException {
    if (Thread.currentThread().equals(delivery)) {
      return;
    }
    long nanos = Math.max(0, deadlineNanos - System.nanoTime());
    if (!delivered.await(nanos, TimeUnit.NANOSECONDS)) {
      giveUp(GenerationSequence.stalled(ring.stalledNanos()));
    }
  }
}
