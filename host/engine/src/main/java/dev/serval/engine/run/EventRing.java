package dev.serval.engine.run;

import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenLogprobs;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The events of one generation between the runner thread, which puts them, and the delivery thread,
 * which takes them.
 *
 * <p>An event costs {@link #EVENT_BYTES}, two bytes per character and what its log-probabilities
 * take, from when it is put until its delivery is over. The ring is <b>full</b> while the events in
 * it cost its capacity or more. The runner computes no token for a sequence whose ring is full, so
 * {@link #put} never waits and the ring exceeds its capacity by the events of one token at most.
 * Thread-safe.
 *
 * <p>Putting an event allocates nothing: numbers and characters are kept in circular arrays, which
 * grow only while the consumer falls behind further than ever before, and the event becomes an
 * object on the delivery thread. The lock is the monitor for the same reason: an explicit lock
 * allocates a node whenever a thread has to wait for it, and waking a virtual thread through one
 * allocates on the thread that wakes.
 */
final class EventRing {

  /** Fixed cost of an event: its numbers, and the object it becomes. */
  static final int EVENT_BYTES = 64;

  /** Cost of a token's log-probabilities, and of each alternative in them. */
  private static final int LOGPROB_BYTES = 40;

  private static final int FIRST_EVENTS = 64;
  private static final int FIRST_CHARACTERS = 1024;

  private final int capacityBytes;
  private final Runnable onRoom;

  /** Index, token and number of characters of each event; length a power of two. */
  private int[] indices = new int[FIRST_EVENTS];

  private int[] tokens = new int[FIRST_EVENTS];
  private int[] lengths = new int[FIRST_EVENTS];

  /** Log-probabilities of each event; no places until there are some. */
  private @Nullable TokenLogprobs[] logprobs = {};

  /** Characters of the events, one event after the other; length a power of two. */
  private char[] characters = new char[FIRST_CHARACTERS];

  /** Place of the first event and how many follow; likewise for the characters. */
  private int firstEvent;

  private int events;
  private int firstCharacter;
  private int heldCharacters;

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

  private static long cost(int characters, @Nullable TokenLogprobs likelihood) {
    long more = likelihood == null ? 0 : LOGPROB_BYTES * (1L + likelihood.top().size());
    return EVENT_BYTES + 2L * characters + more;
  }

  /** Adds an event without log-probabilities. */
  void put(int index, int token, CharSequence text) {
    put(index, token, text, null);
  }

  /**
   * Adds an event; drops it if nobody takes events any more.
   *
   * @param index number of the token in the generation
   * @param token vocabulary id; −1 for text without a token
   * @param text text that became certain; copied
   * @param likelihood how likely the token was; null if nobody asks
   */
  synchronized void put(
      int index, int token, CharSequence text, @Nullable TokenLogprobs likelihood) {
    if (abandoned) {
      return;
    }
    if (usedBytes == 0) {
      progressNanos = System.nanoTime();
    }
    makeRoom(text.length());
    int place = (firstEvent + events++) & (tokens.length - 1);
    indices[place] = index;
    tokens[place] = token;
    lengths[place] = text.length();
    if (likelihood != null && logprobs.length == 0) {
      logprobs = new TokenLogprobs[tokens.length];
    }
    if (logprobs.length > 0) {
      logprobs[place] = likelihood;
    }
    for (int i = 0; i < text.length(); i++) {
      characters[(firstCharacter + heldCharacters++) & (characters.length - 1)] = text.charAt(i);
    }
    usedBytes += cost(text.length(), likelihood);
    notifyAll();
  }

  /** Makes room for an event of n characters. */
  private void makeRoom(int n) {
    if (events == tokens.length) {
      indices = doubled(indices);
      tokens = doubled(tokens);
      lengths = doubled(lengths);
      if (logprobs.length > 0) {
        logprobs = doubled(logprobs);
      }
      firstEvent = 0;
    }
    if (heldCharacters + n > characters.length) {
      int room = Integer.highestOneBit(heldCharacters + n) << 1;
      char[] grown = Arrays.copyOf(characters(heldCharacters), room);
      characters = grown;
      firstCharacter = 0;
    }
  }

  /** A full circular array as one of twice the length that begins at 0. */
  private int[] doubled(int[] full) {
    int[] grown = new int[2 * full.length];
    int untilEnd = full.length - firstEvent;
    System.arraycopy(full, firstEvent, grown, 0, untilEnd);
    System.arraycopy(full, 0, grown, untilEnd, firstEvent);
    return grown;
  }

  private @Nullable TokenLogprobs[] doubled(@Nullable TokenLogprobs[] full) {
    @Nullable TokenLogprobs[] grown = new TokenLogprobs[2 * full.length];
    int untilEnd = full.length - firstEvent;
    System.arraycopy(full, firstEvent, grown, 0, untilEnd);
    System.arraycopy(full, 0, grown, untilEnd, firstEvent);
    return grown;
  }

  /** The first n characters that are held. */
  private char[] characters(int n) {
    char[] copy = new char[n];
    int untilEnd = Math.min(n, characters.length - firstCharacter);
    System.arraycopy(characters, firstCharacter, copy, 0, untilEnd);
    System.arraycopy(characters, 0, copy, untilEnd, n - untilEnd);
    return copy;
  }

  /** States that no event follows. */
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  /**
   * Waits for the next event.
   *
   * @return null if none follows
   * @throws InterruptedException if the delivery thread is interrupted
   */
  synchronized @Nullable TokenEvent take() throws InterruptedException {
    while (events == 0 && !ended && !abandoned) {
      wait();
    }
    if (events == 0) {
      return null;
    }
    int n = lengths[firstEvent];
    TokenLogprobs likelihood = logprobs.length == 0 ? null : logprobs[firstEvent];
    TokenEvent event =
        new TokenEvent(
            indices[firstEvent],
            tokens[firstEvent],
            new String(characters(n)),
            Optional.ofNullable(likelihood));
    if (likelihood != null) {
      logprobs[firstEvent] = null;
    }
    firstEvent = (firstEvent + 1) & (tokens.length - 1);
    events--;
    firstCharacter = (firstCharacter + n) & (characters.length - 1);
    heldCharacters -= n;
    return event;
  }

  /** States that the consumer is done with an event that was taken. */
  void delivered(TokenEvent event) {
    if (release(event)) {
      onRoom.run();
    }
  }

  /** Returns whether the ring was full until now. */
  private synchronized boolean release(TokenEvent event) {
    boolean wasFull = usedBytes >= capacityBytes;
    long cost = cost(event.text().length(), event.logprobs().orElse(null));
    usedBytes = Math.max(0, usedBytes - cost);
    progressNanos = System.nanoTime();
    return wasFull && usedBytes < capacityBytes;
  }

  /** Drops all events, now and later. */
  void abandon() {
    synchronized (this) {
      abandoned = true;
      events = 0;
      heldCharacters = 0;
      usedBytes = 0;
      notifyAll();
    }
    onRoom.run();
  }

  /** Waits, even if interrupted, until no event follows. */
  void awaitEnd() {
    boolean interrupted = false;
    synchronized (this) {
      while (!ended) {
        try {
          wait();
        } catch (InterruptedException _) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the sequence has to pause. */
  synchronized boolean isFull() {
    return usedBytes >= capacityBytes;
  }

  /**
   * How long the consumer has made no progress although there is something for it to do.
   *
   * @return nanoseconds; 0 if there is nothing to do
   */
  synchronized long stalledNanos() {
    return usedBytes == 0 ? 0 : System.nanoTime() - progressNanos;
  }
}
