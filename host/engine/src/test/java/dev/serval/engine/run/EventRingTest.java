package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.TokenEvent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class EventRingTest {

  private final AtomicInteger rooms = new AtomicInteger();
  private final EventRing ring = new EventRing(2 * EventRing.EVENT_BYTES, rooms::incrementAndGet);

  @Test
  void isFullWhenFixedCostAndTextReachItsCapacity() {
    put(0, "x".repeat(EventRing.EVENT_BYTES / 2 - 1));
    assertFalse(ring.isFull());
    put(1, "");
    assertTrue(ring.isFull());
  }

  @Test
  void hasRoomAgainWhenAnEventWasDeliveredNotWhenItWasTaken() throws InterruptedException {
    put(0, "ab");
    put(1, "cd");
    TokenEvent first = ring.take();
    assertNotNull(first);
    assertTrue(ring.isFull());
    assertEquals(0, rooms.get());
    ring.delivered(first);
    assertFalse(ring.isFull());
    assertEquals(1, rooms.get());
  }

  @Test
  void givesEventsInOrderAndThenTheEnd() throws InterruptedException {
    for (int i = 0; i < 5; i++) {
      put(i, "t");
    }
    ring.end();
    for (int i = 0; i < 5; i++) {
      assertEquals(event(i, "t"), ring.take());
    }
    assertNull(ring.take());
  }

  @Test
  void endWakesAWaitingConsumer() throws InterruptedException {
    Thread ender = Thread.ofVirtual().start(ring::end);
    assertNull(ring.take());
    ender.join();
  }

  @Test
  void abandonedRingDropsEverything() throws InterruptedException {
    put(0, "a");
    put(1, "b");
    ring.abandon();
    put(2, "c");
    assertNull(ring.take());
    assertFalse(ring.isFull());
    assertEquals(1, rooms.get());
    assertEquals(0, ring.stalledNanos());
  }

  @Test
  void isStalledOnlyWhileThereIsSomethingToDo() throws InterruptedException {
    assertEquals(0, ring.stalledNanos());
    put(0, "a");
    TokenEvent taken = ring.take();
    assertNotNull(taken);
    while (ring.stalledNanos() == 0) {
      Thread.onSpinWait();
    }
    ring.delivered(taken);
    assertEquals(0, ring.stalledNanos());
  }

  @Test
  void keepsOrderAndTextsHoweverFarTheConsumerIsBehind() throws InterruptedException {
    SplittableRandom random = new SplittableRandom(5);
    Deque<TokenEvent> expected = new ArrayDeque<>();
    for (int i = 0; i < 3000; i++) {
      if (random.nextInt(100) < 48 && !expected.isEmpty()) {
        assertEquals(expected.removeFirst(), ring.take());
      } else {
        String text = "ab😀".repeat(random.nextInt(1, 5)).substring(random.nextInt(5));
        put(i, text);
        expected.addLast(event(i, text));
      }
    }
    assertTrue(expected.size() > 64, "the ring grew");
    for (TokenEvent e : expected) {
      assertEquals(e, ring.take());
    }
  }

  private void put(int index, String text) {
    ring.put(index, 2, text);
  }

  private static TokenEvent event(int index, String text) {
    return new TokenEvent(index, 2, text);
  }
}
