package dev.serval.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TieredBufferPoolTest {

  private final TieredBufferPool pool = new TieredBufferPool();

  @AfterEach
  void nothingIsLeaked() {
    assertEquals(List.of(), pool.leases());
    pool.close();
  }

  @Test
  void leasesExactlyWhatWasAskedForInTheRightTier() {
    long[][] askedAndTaken = {
      {1, BufferPool.TIER_1_BYTES},
      {BufferPool.TIER_1_BYTES, BufferPool.TIER_1_BYTES},
      {BufferPool.TIER_1_BYTES + 1, BufferPool.TIER_2_BYTES},
      {BufferPool.TIER_2_BYTES + 1, BufferPool.TIER_3_BYTES},
      {BufferPool.TIER_3_BYTES + 1, BufferPool.TIER_4_BYTES},
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
    try (TieredBufferPool small = new TieredBufferPool(2 * BufferPool.TIER_1_BYTES)) {
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
    assertEquals(
        List.of(
            new OpenLease("kv", BufferPool.TIER_2_BYTES, BufferPool.TIER_2_BYTES),
            new OpenLease("step", 10, BufferPool.TIER_1_BYTES)),
        pool.leases());
    small.close();
    large.close();
  }

  @Test
  void refusesSizesThatAreNotPositive() {
    assertThrows(IllegalArgumentException.class, () -> pool.lease(0, "none"));
    assertThrows(IllegalArgumentException.class, () -> pool.lease(-1, "none"));
  }

  @Test
  void closedPoolRefusesLeasesButKeepsOpenOnesUsable() {
    TieredBufferPool ending = new TieredBufferPool();
    PooledBuffer open = ending.lease(8, "late");
    ending.close();
    assertThrows(IllegalStateException.class, () -> ending.lease(8, "later"));
    open.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    open.close();
    assertEquals(0, ending.metrics().retainedBytes());
    assertTrue(ending.leases().isEmpty());
  }
}
