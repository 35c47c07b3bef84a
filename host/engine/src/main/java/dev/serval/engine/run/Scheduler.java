package dev.serval.engine.run;

import dev.serval.api.error.BackendLostException;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a model computes next.
 *
 * <p>Requests wait in order of arrival until fewer than {@link Limits#maxSequences} run. Each step
 * holds one token of every sequence in decode, and prompt tokens of those in prefill up to {@link
 * Limits#chunkTokens} in all, at least one; which prefill comes first rotates from step to step, so
 * that a long prompt delays a short one by one chunk. Sequences whose consumer is behind, and those
 * that wait for room in the cache, are left out. Where texts must not be split, each step holds the
 * oldest text and, up to {@link Limits#chunkTokens} in all, others that still fit.
 *
 * <p>{@link #submit}, {@link #waiting}, {@link #changed}, {@link #close} and {@link #lose} may be
 * called from any thread, the rest is confined to the runner thread.
 */
final class Scheduler {

  /**
   * Sizes of steps.
   *
   * @param maxSequences sequences that are computed at once
   * @param maxTokens tokens per step
   * @param maxWanted logits rows per step, at least {@code maxSequences} or {@code maxTokens}
   * @param chunkTokens tokens per step while prompts are computed
   * @param wholeTexts whether a text is computed in one step; none is longer than {@code maxTokens}
   */
  record Limits(
      int maxSequences, int maxTokens, int maxWanted, int chunkTokens, boolean wholeTexts) {}

  private final Limits limits;
  private final IntSupplier queueBound;
  private final LongAdder refused;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition change = lock.newCondition();
  private final Deque<Sequence> waiting = new ArrayDeque<>();
  private boolean isChanged;
  private volatile boolean ending;
  private @Nullable String lostReason;

  private final List<Sequence> active = new ArrayList<>();
  private final List<Sequence> admitted = new ArrayList<>();
  private final List<Sequence> cancelled = new ArrayList<>();
  private int turn;

  /**
   * A scheduler without requests.
   *
   * @param queueBound requests that may wait now
   * @param refused counts those beyond
   */
  Scheduler(Limits limits, IntSupplier queueBound, LongAdder refused) {
    this.refused = refused;
    this.limits = limits;
    this.queueBound = queueBound;
  }

  /**
   * Adds a request.
   *
   * @throws RequestRejectedException if too many wait, or the model is closed
   * @throws BackendLostException if the model lost its backend
   */
  void submit(Sequence sequence) {
    lock.lock();
    try {
      if (ending) {
        throw ended();
      }
      if (waiting.size() >= queueBound.getAsInt()) {
        refused.increment();
        throw new RequestRejectedException(
            Reason.QUEUE_FULL, waiting.size() + " requests are waiting already, as many as may");
      }
      waiting.addLast(sequence);
      signal();
    } finally {
      lock.unlock();
    }
  }

  /** Requests that wait for a place now. */
  int waiting() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }

  /** Wakes the runner thread: something it decides by may have changed. */
  void changed() {
    lock.lock();
    try {
      signal();
    } finally {
      lock.unlock();
    }
  }

  private void signal() {
    isChanged = true;
    change.signalAll();
  }

  /** Asks the runner to end everything as cancelled. */
  void close() {
    end(null);
  }

  /** Asks the runner to end everything because the backend is gone. */
  void lose(String reason) {
    end(reason);
  }

  private void end(@Nullable String reason) {
    lock.lock();
    try {
      if (!ending) {
        lostReason = reason;
        ending = true;
      }
      signal();
    } finally {
      lock.unlock();
    }
  }

  /** Whether everything has to end. */
  boolean isEnding() {
    return ending;
  }

  /** Why requests are refused at the end. */
  private ServalException ended() {
    String reason = lostReason;
    return reason == null
        ? new RequestRejectedException(Reason.MODEL_CLOSED, "the model is closed")
        : new BackendLostException(reason);
  }

  /** Waits until something changed, or a paused consumer's time may be up. */
  void awaitChange() throws InterruptedException {
    long nanos = Long.MAX_VALUE;
    for (Sequence s : active) {
      nanos = Math.min(nanos, s.patienceNanos());
    }
    lock.lock();
    try {
      // A little more than asked: the clock must have passed the deadline when the wait is over.
      nanos = nanos == Long.MAX_VALUE ? nanos : nanos + TimeUnit.MILLISECONDS.toNanos(1);
      while (!isChanged && nanos > 0) {
        nanos = change.awaitNanos(nanos);
      }
      isChanged = false;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes cancelled requests out of the queue and lets waiting ones run while there is a place.
   *
   * @param onCancelled takes each request that was cancelled
   * @param onAdmitted takes each sequence that may run; may retire it
   */
  void admit(Consumer<Sequence> onCancelled, Consumer<Sequence> onAdmitted) {
    admitted.clear();
    cancelled.clear();
    lock.lock();
    try {
      if (waiting.isEmpty()) {
        return;
      }
      for (Iterator<Sequence> i = waiting.iterator(); i.hasNext(); ) {
        Sequence s = i.next();
        if (s.isCancelled()) {
          cancelled.add(s);
          i.remove();
        }
      }
      while (active.size() + admitted.size() < limits.maxSequences() && !waiting.isEmpty()) {
        Sequence s = waiting.removeFirst();
        admitted.add(s);
        Sequence follower = s.follower();
        if (follower != null) {
          waiting.addLast(follower);
        }
      }
    } finally {
      lock.unlock();
    }
    cancelled.forEach(onCancelled);
    for (Sequence s : admitted) {
      active.add(s);
      onAdmitted.accept(s);
    }
  }

  /** The sequences that run, in order of admission. */
  List<Sequence> active() {
    return active;
  }

  /** Frees the place of a sequence that ended. */
  void retire(Sequence sequence) {
    active.remove(sequence);
  }

  /** Takes all requests out of the queue, at the end. */
  List<Sequence> drain() {
    lock.lock();
    try {
      List<Sequence> all = List.copyOf(waiting);
      waiting.clear();
      return all;
    } finally {
      lock.unlock();
    }
  }

  /** Ends a sequence the way everything ends. */
  void endFinally(Sequence sequence) {
    if (lostReason == null) {
      sequence.endCancelled();
    } else {
      sequence.fail(ended());
    }
  }

  /** Fills a batch with what the next step computes; leaves it empty if there is nothing to do. */
  void plan(Batch batch) {
    batch.clear();
    if (limits.wholeTexts()) {
      planWhole(batch);
      return;
    }
    int wantedLeft = limits.maxWanted();
    for (int i = 0; i < active.size(); i++) {
      Sequence s = active.get(i);
      if (s.remaining() == 1 && !s.isHeldBack()) {
        batch.add(s, 1);
        wantedLeft--;
      }
    }
    int tokensLeft = Math.max(1, limits.chunkTokens() - batch.tokens());
    tokensLeft = Math.min(tokensLeft, limits.maxTokens() - batch.tokens());
    turn++;
    for (int i = 0; i < active.size(); i++) {
      Sequence s = active.get((turn + i) % active.size());
      if (s.remaining() <= 1 || s.isHeldBack()) {
        continue;
      }
      int n = Math.min(s.remaining(), tokensLeft);
      int wanted = s.wanted(n);
      if (wanted > wantedLeft) {
        n -= wanted - wantedLeft;
        wanted = wantedLeft;
      }
      if (n > 0) {
        batch.add(s, n);
        tokensLeft -= n;
        wantedLeft -= wanted;
      }
    }
  }

  private void planWhole(Batch batch) {
    for (int i = 0; i < active.size(); i++) {
      Sequence s = active.get(i);
      boolean fits = batch.isEmpty() || batch.tokens() + s.remaining() <= limits.chunkTokens();
      if (fits && !s.isHeldBack()) {
        batch.add(s, s.remaining());
      }
    }
  }
}
