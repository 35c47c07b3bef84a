package dev.serval.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.memory.PooledBuffer;
import dev.serval.api.settings.Setting;
import dev.serval.api.settings.Settings;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TieredBufferPoolTest {

  private static final PoolOptions ALL =
      PoolOptions.of(Settings.of(k -> null, k -> null, k -> null)).withTrackEvery(1);

  private final TieredBufferPool pool = new TieredBufferPool(ALL);

  @AfterEach
  void nothingIsLeaked() {
    assertEquals(List.of(), pool.leases());
    pool.close();
  }

  @Test
  void leasesExactlyWhatWasAskedForInTheRightTier() {
    long[][] askedAndTaken = {
      {1, BufferPool.TIER_1_BYTES},
      {BufferPool.TIER_1_BYTES - 1, BufferPool.TIER_1_BYTES},
      {BufferPool.TIER_1_BYTES, BufferPool.TIER_1_BYTES},
      {BufferPool.TIER_1_BYTES + 1, BufferPool.TIER_2_BYTES},
      {BufferPool.TIER_2_BYTES, BufferPool.TIER_2_BYTES},
      {BufferPool.TIER_2_BYTES + 1, BufferPool.TIER_3_BYTES},
      {BufferPool.TIER_3_BYTES, BufferPool.TIER_3_BYTES},
      {BufferPool.TIER_3_BYTES + 1, BufferPool.TIER_4_BYTES},
      {BufferPool.TIER_4_BYTES, BufferPool.TIER_4_BYTES},
      {BufferPool.TIER_4_BYTES + 1, BufferPool.TIER_4_BYTES + BufferPool.ALIGNMENT_BYTES},
    };
    for (long[] row : askedAndTaken) {
      try (PooledBuffer buffer = pool.lease(row[0], "test")) {
        assertEquals(row[0], buffer.segment().byteSize());
        assertEquals(row[1], buffer.leasedBytes());
        assertEquals(row[1], pool.metrics().leasedBytes());
        assertEquals(0, buffer.segment().address() % BufferPool.ALIGNMENT_BYTES);
      }
    }
    assertEquals(0, pool.metrics().leasedBytes());
  }

  @Test
  void usesReturnedMemoryAgainAndZeroesIt() {
    long address;
    try (PooledBuffer first = pool.lease(1000, "first")) {
      first.segment().fill((byte) 7);
      address = first.segment().address();
    }
    try (PooledBuffer second = pool.lease(2000, "second")) {
      assertEquals(address, second.segment().address());
      for (long i = 0; i < 2000; i++) {
        assertEquals(0, second.segment().get(ValueLayout.JAVA_BYTE, i));
      }
    }
    PoolMetrics metrics = pool.metrics();
    assertEquals(1, metrics.hits());
    assertEquals(1, metrics.misses());
    assertEquals(0, metrics.oversize());
  }

  @Test
  void keepsNoMoreThanItsBound() {
    try (TieredBufferPool small =
        new TieredBufferPool(ALL.withRetainedBytesPerTier(2 * BufferPool.TIER_1_BYTES))) {
      PooledBuffer a = small.lease(1, "a");
      PooledBuffer b = small.lease(1, "b");
      PooledBuffer c = small.lease(1, "c");
      PooledBuffer tooLargeToKeep = small.lease(BufferPool.TIER_2_BYTES, "d");
      PooledBuffer oversize = small.lease(BufferPool.TIER_4_BYTES + 1, "e");
      for (PooledBuffer buffer : List.of(a, b, c, tooLargeToKeep, oversize)) {
        buffer.close();
      }
      assertEquals(2 * BufferPool.TIER_1_BYTES, small.metrics().retainedBytes());
      assertEquals(1, small.metrics().oversize());
      assertEquals(0, small.metrics().leases());
    }
  }

  @Test
  void refusesUseAfterClose() {
    PooledBuffer buffer = pool.lease(100, "early");
    MemorySegment stale = buffer.segment();
    buffer.close();
    assertThrows(IllegalStateException.class, buffer::segment);
    assertThrows(IllegalStateException.class, buffer::close);
    assertThrows(IllegalStateException.class, () -> stale.get(ValueLayout.JAVA_BYTE, 0));
    assertEquals(0, pool.metrics().leases());
  }

  @Test
  void refusesToReachPastTheLease() {
    try (PooledBuffer buffer = pool.lease(100, "short")) {
      assertThrows(
          IndexOutOfBoundsException.class, () -> buffer.segment().get(ValueLayout.JAVA_BYTE, 100));
    }
  }

  @Test
  void namesWhoHoldsMemory() {
    PooledBuffer small = pool.lease(10, "step");
    PooledBuffer large = pool.lease(BufferPool.TIER_2_BYTES, "kv");
    List<OpenLease> open = pool.leases();
    assertEquals(2, open.size());
    OpenLease kv = open.getFirst();
    String origin = kv.origin();
    assertEquals(
        new OpenLease("engine", "kv", BufferPool.TIER_2_BYTES, BufferPool.TIER_2_BYTES, origin),
        kv);
    assertTrue(origin.contains("org.junit"), origin); // callers in the pool's package are left out
    assertEquals("step", open.getLast().holder());
    assertEquals(10, open.getLast().requestedBytes());
    small.close();
    large.close();
  }

  @Test
  void countsFreshMemoryAsMissesAndUsedMemoryAsHits() {
    for (int round = 0; round < 2; round++) {
      List<PooledBuffer> all = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        all.add(pool.lease(BufferPool.TIER_3_BYTES, "test"));
      }
      all.forEach(PooledBuffer::close);
      assertEquals(5, pool.metrics().misses());
      assertEquals(5L * round, pool.metrics().hits());
    }
  }

  @Test
  void tracksAsManyLeasesAsItIsTold() {
    try (TieredBufferPool sampled = new TieredBufferPool(ALL.withTrackEvery(3));
        PoolAccount account = sampled.account("quiet")) {
      List<PooledBuffer> all = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        all.add(account.lease(64, "test"));
      }
      assertEquals(2, account.leases().stream().filter(l -> !l.origin().isEmpty()).count());
      all.forEach(PooledBuffer::close);
    }
  }

  @Test
  void refusesToCloseTwiceWithoutTracking() {
    try (TieredBufferPool plain = new TieredBufferPool(ALL.withTrackEvery(0))) {
      PooledBuffer buffer = plain.lease(100, "early");
      buffer.close();
      assertThrows(IllegalStateException.class, buffer::segment);
      assertThrows(IllegalStateException.class, buffer::close);
      assertEquals(0, plain.metrics().leases());
    }
  }

  @Test
  void leasingUsedMemoryAgainMakesNoObject() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (TieredBufferPool plain = new TieredBufferPool(ALL.withTrackEvery(0))) {
      long bytes = 0;
      for (int round = 0; round < 3; round++) { // the first ones load classes
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 1000; i++) {
          plain.lease(1000, "test").close();
        }
        bytes = threads.getCurrentThreadAllocatedBytes() - before;
      }
      assertTrue(bytes < 100_000, bytes + " bytes for 1000 leases");
      assertEquals(1, plain.metrics().misses());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void endOfAnAccountTakesBackWhatIsStillLeased(int trackEvery) {
    try (TieredBufferPool two = new TieredBufferPool(ALL.withTrackEvery(trackEvery))) {
      PoolAccount leaking = two.account("leaking");
      PoolAccount tidy = two.account("tidy");
      PooledBuffer left = leaking.lease(100, "forgetful");
      MemorySegment stale = left.segment();
      leaking.lease(100, "careful").close();
      PooledBuffer other = tidy.lease(200, "careful");
      assertEquals(1, leaking.leases().size());
      leaking.close();
      leaking.close();
      assertEquals(1, two.leaks());
      assertEquals(1, two.metrics().leases());
      assertThrows(IllegalStateException.class, () -> stale.get(ValueLayout.JAVA_BYTE, 0));
      assertThrows(IllegalStateException.class, left::close);
      assertThrows(IllegalStateException.class, () -> leaking.lease(1, "late"));
      other.segment().fill((byte) 1);
      other.close();
      tidy.close();
      assertEquals(1, two.leaks());
      assertEquals(0, two.metrics().leasedBytes());
    }
  }

  @Test
  void reportsTrackedLeasesThatNobodyCanClose() {
    try (TieredBufferPool watched = new TieredBufferPool(ALL);
        PoolAccount account = watched.account("watched")) {
      forget(account);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (watched.leaks() == 0 && System.nanoTime() < deadline) {
        System.gc();
      }
      assertEquals(1, watched.leaks());
      assertEquals("forgetful", account.leases().getFirst().holder());
    }
  }

  private static void forget(PoolAccount account) {
    assertEquals(10, account.lease(10, "forgetful").segment().byteSize());
  }

  @Test
  void memoryThatIsNotThereIsATypedRefusal() {
    PoolOptions none =
        ALL.withSource((_, _, _) -> {
          throw new OutOfMemoryError("told to fail");
        });
    try (TieredBufferPool empty = new TieredBufferPool(none)) {
      OutOfBudgetException refusal =
          assertThrows(OutOfBudgetException.class, () -> empty.lease(100, "kv of a model"));
      assertTrue(String.valueOf(refusal.getMessage()).contains("kv of a model"));
      assertEquals(0, empty.metrics().leases());
      assertEquals(0, empty.metrics().misses());
    }
  }

  @Test
  void refusesMemoryThatIsNotAligned() {
    PoolOptions crooked =
        ALL.withSource(
            (arena, bytes, alignment) -> arena.allocate(bytes + 8, alignment).asSlice(8, bytes));
    try (TieredBufferPool askew = new TieredBufferPool(crooked)) {
      assertThrows(IllegalStateException.class, () -> askew.lease(100, "test"));
      assertEquals(0, askew.metrics().leases());
    }
  }

  @Test
  void optionsComeFromSettings() {
    Map<String, String> set =
        Map.of(Setting.MEMORY_TRACK.key(), "7", Setting.MEMORY_RETAINED.key(), "1MiB");
    PoolOptions options = PoolOptions.of(Settings.of(set::get, k -> null, k -> null));
    assertEquals(7, options.trackEvery());
    assertEquals(1 << 20, options.retainedBytesPerTier());
    PoolOptions usual = PoolOptions.of(Settings.of(k -> null, k -> null, k -> null));
    assertEquals(128, usual.trackEvery());
    assertEquals(16 << 20, usual.retainedBytesPerTier());
  }

  @Test
  void boundsChangeWhileItIsUsed() {
    PooledBuffer[] open = new PooledBuffer[4];
    for (int i = 0; i < open.length; i++) {
      open[i] = pool.lease(8, "test");
    }
    pool.lease(BufferPool.TIER_2_BYTES, "test").close();
    for (int i = 0; i < 3; i++) {
      open[i].close();
    }
    assertEquals(
        3 * BufferPool.TIER_1_BYTES + BufferPool.TIER_2_BYTES, pool.metrics().retainedBytes());
    pool.configure(ALL.withRetainedBytesPerTier(2 * BufferPool.TIER_1_BYTES).withTrackEvery(0));
    assertEquals(2 * BufferPool.TIER_1_BYTES, pool.metrics().retainedBytes());
    open[3].close();
    assertEquals(2 * BufferPool.TIER_1_BYTES, pool.metrics().retainedBytes());
    assertThrows(IllegalStateException.class, open[3]::close, "opened as tracked");

    long hits = pool.metrics().hits();
    try (PooledBuffer untracked = pool.lease(8, "test")) {
      assertEquals(hits + 1, pool.metrics().hits());
      assertFalse(untracked instanceof TrackedLease);
    }
    pool.configure(ALL);
    try (PooledBuffer tracked = pool.lease(8, "test")) {
      assertInstanceOf(TrackedLease.class, tracked);
    }
  }

  @Test
  void refusesSizesThatAreNotPositive() {
    assertThrows(IllegalArgumentException.class, () -> pool.lease(0, "none"));
    assertThrows(IllegalArgumentException.class, () -> pool.lease(-1, "none"));
  }

  @Test
  void closedPoolRefusesLeasesButKeepsOpenOnesUsable() {
    TieredBufferPool ending = new TieredBufferPool(ALL);
    PooledBuffer open = ending.lease(8, "late");
    ending.close();
    assertThrows(IllegalStateException.class, () -> ending.lease(8, "later"));
    open.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    open.close();
    assertEquals(0, ending.metrics().retainedBytes());
    assertTrue(ending.leases().isEmpty());
  }
}
