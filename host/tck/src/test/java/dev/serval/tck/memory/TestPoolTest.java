package dev.serval.tck.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class TestPoolTest {

  private final TestPool pool = new TestPool();

  @Test
  void leaseIsZeroedExactAndAligned() {
    try (PooledBuffer b = pool.lease(1000, "a")) {
      assertEquals(1000, b.segment().byteSize());
      assertEquals(0, b.segment().address() % 64);
      assertEquals(-1, b.segment().mismatch(MemorySegment.ofArray(new byte[1000])));
      assertEquals(131072, b.leasedBytes());
      assertEquals(131072, pool.metrics().leasedBytes());
      assertEquals(1, pool.metrics().leases());
    }
    assertEquals(0, pool.metrics().leasedBytes());
    pool.close();
  }

  @Test
  void forgottenLeaseIsReportedWithItsHolder() {
    pool.lease(10, "kv gemma").segment();
    AssertionError e = assertThrows(AssertionError.class, pool::close);
    assertTrue(e.toString().contains("10 bytes: kv gemma"), e::toString);
  }

  @Test
  @SuppressWarnings(
      "restricted") // native code that writes outside its memory is what is played here
  void writesOutsideAreCaughtOnBothSides() {
    for (long at : new long[] {-1, 100}) {
      PooledBuffer b = pool.lease(100, "careless");
      long address = b.segment().address() + at;
      MemorySegment.ofAddress(address).reinterpret(1).set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      AssertionError e = assertThrows(AssertionError.class, b::close);
      assertTrue(e.toString().contains("byte " + at + " of 100"), e::toString);
      assertTrue(e.toString().contains("careless"), e::toString);
    }
  }

  @Test
  void usedAfterwardsOrClosedTwiceIsAnError() {
    PooledBuffer b = pool.lease(100, "a");
    b.close();
    assertThrows(IllegalStateException.class, () -> b.segment().fill((byte) 1));
    assertThrows(IllegalStateException.class, b::close);
  }

  @Test
  void budgetRefusesWhatDoesNotFitAndReservesNothingThen() {
    TestBudget budget = new TestBudget(100);
    budget.reserve(60, "a");
    OutOfBudgetException e =
        assertThrows(OutOfBudgetException.class, () -> budget.reserve(41, "b"));
    assertEquals(40, e.availableBytes());
    assertEquals(60, budget.reservedBytes());
    budget.reserve(40, "c");
    budget.release(100);
    assertThrows(IllegalStateException.class, () -> budget.release(1));
    assertEquals(100, budget.mostBytes());
  }
}
