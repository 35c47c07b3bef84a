package dev.serval.backend.cpu.team;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class ComputeTeamTest {

  @Test
  void doesEachItemOnce() {
    try (ComputeTeam team = new ComputeTeam(3, "team-test-")) {
      for (int items = 0; items < 200; items++) {
        AtomicIntegerArray done = new AtomicIntegerArray(items);
        team.run((_, item) -> done.incrementAndGet(item), items);
        for (int i = 0; i < items; i++) {
          assertEquals(1, done.get(i), "item " + i + " of " + items);
        }
      }
    }
  }

  @Test
  void doesEachItemOnceAfterMembersParked() {
    try (ComputeTeam team = new ComputeTeam(3, "team-test-")) {
      for (int round = 0; round < 20; round++) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        LongAdder sum = new LongAdder();
        team.run((_, item) -> sum.add(item), 100);
        assertEquals(4950, sum.sum());
      }
    }
  }

  @Test
  void usesEveryMember() throws InterruptedException {
    try (ComputeTeam team = new ComputeTeam(3, "team-test-")) {
      CountDownLatch all = new CountDownLatch(3);
      team.run(
          (_, _) -> {
            all.countDown();
            awaitUninterrupted(all);
          },
          3);
      assertEquals(1, team.itemsDone(0));
      assertEquals(1, team.itemsDone(1));
      assertEquals(1, team.itemsDone(2));
    }
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      assertTrue(latch.await(10, TimeUnit.SECONDS), "a member is missing");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void passesAnItemsExceptionOnAndStaysUsable() {
    try (ComputeTeam team = new ComputeTeam(2, "team-test-")) {
      TeamTask failing =
          (_, item) -> {
            if (item == 7) {
              throw new IllegalArgumentException("item 7");
            }
          };
      var e = assertThrows(IllegalArgumentException.class, () -> team.run(failing, 20));
      assertEquals("item 7", e.getMessage());
      LongAdder sum = new LongAdder();
      team.run((_, _) -> sum.increment(), 20);
      assertEquals(20, sum.sum());
    }
  }

  @Test
  void closeLeavesNoThread() {
    ComputeTeam team = new ComputeTeam(4, "team-close-test-");
    team.run((_, _) -> {}, 10);
    team.close();
    assertFalse(
        Thread.getAllStackTraces().keySet().stream()
            .anyMatch(t -> t.getName().startsWith("team-close-test-")));
  }

  @Test
  void allocatesNothingPerTask() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (ComputeTeam team = new ComputeTeam(2, "team-test-")) {
      AtomicReference<long[]> ids = new AtomicReference<>(new long[2]);
      TeamTask task = (member, _) -> ids.get()[member] = Thread.currentThread().threadId();
      for (int i = 0; i < 20_000; i++) {
        team.run(task, 8);
      }
      long before = allocated(threads, ids.get());
      for (int i = 0; i < 1_000; i++) {
        team.run(task, 8);
      }
      assertEquals(0, allocated(threads, ids.get()) - before);
    }
  }

  private static long allocated(ThreadMXBean threads, long[] ids) {
    long sum = threads.getCurrentThreadAllocatedBytes();
    if (ids[1] != 0) {
      sum += threads.getThreadAllocatedBytes(ids[1]);
    }
    return sum;
  }
}
