package dev.serval.engine.run;

import dev.serval.api.runtime.TokenEvent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The events of one generation between the runner thread, which puts them, and the delivery thread,
 * which takes them.
 *
 * <p>An event costs {@link #EVENT_BYTES} and two bytes per character, from when it is put until its
 * delivery is over. The ring is <b>full</b> while the events in it cost its capacity or more. The
 * runner computes no token for a sequence whose ring is full, so {@link #put} never waits and the
 * ring exceeds its capacity by the events of one token at most. Thread-safe.
 */
final class EventRing {

  /** Fixed cost of an event: the record, its text's header and the slot in the ring. */
  static final int EVENT_BYTES = 64;

  private final int capacityBytes;
  private final Runnable onRoom;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<TokenEvent> events = new ArrayDeque<>();
  private long usedBytes;
  private long progressNanos = System.nanoTime();
  private boolean ended;
  private boolean abandoned;

  /**
   * Creates an empty ring.
   *
   * @param capacityBytes cost at which the ring is full
   * @param onRoom runs on the delivery thread when the ring stops being full
   */
  EventRing(int capacityBytes, Runnable onRoom) {
    this.capacityBytes = capacityBytes;
    this.onRoom = onRoom;
  }

  private static long cost(TokenEvent event) {
    return EVENT_BYTES + 2L * event.text().length();
  }

  /** Adds an event; drops it if nobody takes events any more. */
  void put(TokenEvent event) {
    lock.lock();
    try {
      if (abandoned) {
        return;
      }
      if (usedBytes == 0) {
        progressNanos = System.nanoTime();
      }
      events.addLast(event);
      usedBytes += cost(event);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** States that no event follows. */
  void end() {
    lock.lock();
    try {
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for the next event.
   *
   * @return null if none follows
   * @throws InterruptedException if the delivery thread is interrupted
   */
  @Nullable TokenEvent take() throws InterruptedException {
    lock.lock();
    try {
      while (events.isEmpty() && !ended && !abandoned) {
        changed.await();
      }
      return events.pollFirst();
    } finally {
      lock.unlock();
    }
  }

  /** States that the consumer is done with an event that was taken. */
  void delivered(TokenEvent event) {
    boolean room;
    lock.lock();
    try {
      boolean wasFull = usedBytes >= capacityBytes;
      usedBytes = Math.max(0, usedBytes - cost(event));
      room = wasFull && usedBytes < capacityBytes;
      progressNanos = System.nanoTime();
    } finally {
      lock.unlock();
    }
    if (room) {
      onRoom.run();
    }
  }

  /** Drops all events, now and later. */
  void abandon() {
    lock.lock();
    try {
      abandoned = true;
      events.clear();
      usedBytes = 0;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    onRoom.run();
  }

  /** Waits, even if interrupted, until no event follows. */
  void awaitEnd() {
    lock.lock();
    try {
      while (!ended) {
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether the sequence has to pause. */
  boolean isFull() {
    lock.lock();
    try {
      return usedBytes >= capacityBytes;
    } finally {
      lock.unlock();
    }
  }

  /**
   * How long the consumer has made no progress although there is something for it to do.
   *
   * @return nanoseconds; 0 if there is nothing to do
   */
  long stalledNanos() {
    lock.lock();
    try {
      return usedBytes == 0 ? 0 : System.nanoTime() - progressNanos;
    } finally {
      lock.unlock();
    }
  }
}
