package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.TokenEvent;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class EventRingTest {

  private final AtomicInteger rooms = new AtomicInteger();
  private final EventRing ring = new EventRing(2 * EventRing.EVENT_BYTES, rooms::incrementAndGet);

  @Test
  void isFullWhenFixedCostAndTextReachItsCapacity() {
    ring.put(event(0, "x".repeat(EventRing.EVENT_BYTES / 2 - 1)));
    assertFalse(ring.isFull());
    ring.put(event(1, ""));
    assertTrue(ring.isFull());
  }

  @Test
  void hasRoomAgainWhenAnEventWasDeliveredNotWhenItWasTaken() throws InterruptedException {
    ring.put(event(0, "ab"));
    ring.put(event(1, "cd"));
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
      ring.put(event(i, "t"));
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
    ring.put(event(0, "a"));
    ring.put(event(1, "b"));
    ring.abandon();
    ring.put(event(2, "c"));
    assertNull(ring.take());
    assertFalse(ring.isFull());
    assertEquals(1, rooms.get());
    assertEquals(0, ring.stalledNanos());
  }

  @Test
  void isStalledOnlyWhileThereIsSomethingToDo() throws InterruptedException {
    assertEquals(0, ring.stalledNanos());
    ring.put(event(0, "a"));
    TokenEvent taken = ring.take();
    assertNotNull(taken);
    while (ring.stalledNanos() == 0) {
      Thread.onSpinWait();
    }
    ring.delivered(taken);
    assertEquals(0, ring.stalledNanos());
  }

  private static TokenEvent event(int index, String text) {
    return new TokenEvent(index, 2, text);
  }
}
