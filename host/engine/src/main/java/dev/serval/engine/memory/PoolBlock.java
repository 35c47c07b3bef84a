package dev.serval.engine.memory;

import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Memory of its own lifetime, and the lease on it, if there is one. A block that is not tracked is
 * its own lease, so that leasing it again makes no object. Fields are guarded by the pool.
 */
final class PoolBlock implements PooledBuffer {

  private final TieredBufferPool pool;
  private final Arena arena;
  private final MemorySegment memory;

  /** The tier, or −1 above the largest. */
  final int tier;

  /** Neighbours in the pool's list of open leases, or the next one kept. */
  @Nullable PoolBlock next;

  @Nullable PoolBlock previous;

  /** Whose lease it is; null if it is not leased. */
  @Nullable PoolAccount account;

  /** The lease, if it is tracked. */
  @Nullable LeaseTrace trace;

  private String holder = "";
  private MemorySegment window;

  PoolBlock(TieredBufferPool pool, Arena arena, MemorySegment memory, int tier) {
    this.pool = pool;
    this.arena = arena;
    this.memory = memory;
    this.tier = tier;
    this.window = memory;
  }

  MemorySegment memory() {
    return memory;
  }

  /** Begins a lease. */
  void open(long bytes, String newHolder, PoolAccount newAccount) {
    if (window.byteSize() != bytes) {
      window = memory.asSlice(0, bytes);
    }
    holder = newHolder;
    account = newAccount;
  }

  /** The leased part, as long as the block lives. */
  MemorySegment window() {
    return window;
  }

  OpenLease report(PoolAccount of) {
    return new OpenLease(
        of.name(),
        holder,
        window.byteSize(),
        memory.byteSize(),
        trace == null ? "" : trace.origin());
  }

  /** Gives the memory back to the system. */
  void free() {
    arena.close();
  }

  IllegalStateException closed() {
    return new IllegalStateException(
        "buffer of \"" + holder + "\" is closed, or its account is, or it is leased anew");
  }

  @Override
  public MemorySegment segment() {
    synchronized (pool) {
      if (account == null || trace != null) {
        throw closed();
      }
      return window;
    }
  }

  @Override
  public long leasedBytes() {
    return memory.byteSize();
  }

  @Override
  public String holder() {
    return holder;
  }

  @Override
  public void close() {
    pool.giveBack(this, null);
  }
}
