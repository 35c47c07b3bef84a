package dev.serval.engine.memory;

import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;
import org.openjdk.jcstress.infra.results.ZJ_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Two threads at one pool. All blocks lie on the same memory here, which costs less than memory of
 * their own: a block is known by its identity.
 */
public final class PoolStress {

  private static final String HOLDER = "stress";
  private static final long RETAINED_BYTES = 1 << 20;

  private static final MemorySegment MEMORY =
      Arena.global().allocate(TieredBufferPool.TIER_1_BYTES, TieredBufferPool.ALIGNMENT_BYTES);

  private PoolStress() {}

  private static TieredBufferPool pool() {
    return new TieredBufferPool(
        new PoolOptions(RETAINED_BYTES, 0, (arena, bytes, alignment) -> MEMORY.asSlice(0, bytes)));
  }

  /** One block is kept, and two threads lease one each. */
  @JCStressTest
  @Outcome(id = "true, 2", expect = Expect.ACCEPTABLE, desc = "two blocks, two leases")
  @Outcome(expect = Expect.FORBIDDEN, desc = "a block was handed out twice, or a lease is lost")
  @State
  public static class TwoLeases {

    private final TieredBufferPool pool = pool();
    private @Nullable PooledBuffer first;
    private @Nullable PooledBuffer second;

    /** For jcstress. */
    public TwoLeases() {
      pool.lease(1, HOLDER).close();
    }

    @Actor
    public void first() {
      first = pool.lease(1, HOLDER);
    }

    @Actor
    public void second() {
      second = pool.lease(1, HOLDER);
    }

    @Arbiter
    public void compare(ZJ_Result r) {
      r.r1 = first != second;
      r.r2 = pool.metrics().leases();
    }
  }

  /** A thread returns the only block while another one leases. */
  @JCStressTest
  @Outcome(id = "true, 0", expect = Expect.ACCEPTABLE, desc = "leased first: a fresh block")
  @Outcome(id = "true, 1", expect = Expect.ACCEPTABLE, desc = "returned first: the same block")
  @Outcome(expect = Expect.FORBIDDEN, desc = "counters do not agree")
  @State
  public static class ReturnAndLease {

    private final TieredBufferPool pool = pool();
    private final PooledBuffer held = pool.lease(1, HOLDER);
    private @Nullable PooledBuffer leased;

    /** For jcstress. */
    public ReturnAndLease() {}

    @Actor
    public void giveBack() {
      held.close();
    }

    @Actor
    public void lease() {
      leased = pool.lease(1, HOLDER);
    }

    @Arbiter
    public void compare(ZJ_Result r) {
      long hits = pool.metrics().hits();
      boolean one = pool.metrics().leases() == 1 && pool.leases().size() == 1;
      r.r1 = one && (held == leased) == (hits == 1);
      r.r2 = hits;
    }
  }

  /** Two threads return the same lease. */
  @JCStressTest
  @Outcome(
      id = {"true, false", "false, true"},
      expect = Expect.ACCEPTABLE,
      desc = "one of them is told")
  @Outcome(expect = Expect.FORBIDDEN, desc = "returned twice, or not at all")
  @State
  public static class ReturnedTwice {

    private final PooledBuffer held = pool().lease(1, HOLDER);

    /** For jcstress. */
    public ReturnedTwice() {}

    private boolean giveBack() {
      try {
        held.close();
        return true;
      } catch (IllegalStateException _) {
        return false;
      }
    }

    @Actor
    public void first(ZZ_Result r) {
      r.r1 = giveBack();
    }

    @Actor
    public void second(ZZ_Result r) {
      r.r2 = giveBack();
    }
  }

  /** A thread returns a block while another one lowers the bound of what is kept. */
  @JCStressTest
  @Outcome(id = "0", expect = Expect.ACCEPTABLE, desc = "nothing is kept")
  @Outcome(expect = Expect.FORBIDDEN, desc = "more is kept than the bound says")
  @State
  public static class ReturnAndLowerBound {

    private final TieredBufferPool pool = pool();
    private final PooledBuffer held = pool.lease(1, HOLDER);

    /** For jcstress. */
    public ReturnAndLowerBound() {}

    @Actor
    public void giveBack() {
      held.close();
    }

    @Actor
    public void lower() {
      pool.configure(new PoolOptions(0, 0, (arena, bytes, alignment) -> MEMORY));
    }

    @Arbiter
    public void compare(J_Result r) {
      r.r1 = pool.metrics().retainedBytes();
    }
  }
}
