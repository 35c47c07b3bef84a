package dev.serval.engine.memory;

import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.ReferenceQueue;
import java.util.Optional;

/**
 * A lease that knows where it was opened. If it has a window, its memory cannot be reached after
 * its end, not even where the block lives on.
 */
final class TrackedLease implements PooledBuffer {

  private final TieredBufferPool pool;
  private final PoolBlock block;
  private final String holder;
  private final MemorySegment segment;
  private final LeaseTrace trace;

  TrackedLease(
      TieredBufferPool pool,
      PoolBlock block,
      String holder,
      boolean windowed,
      ReferenceQueue<TrackedLease> forgotten) {
    this.pool = pool;
    this.block = block;
    this.holder = holder;
    Optional<Arena> life = windowed ? Optional.of(Arena.ofShared()) : Optional.empty();
    this.segment = life.map(l -> window(block.window(), l)).orElseGet(block::window);
    this.trace = new LeaseTrace(this, block, life, forgotten);
  }

  @SuppressWarnings("restricted") // narrows the lifetime of memory that the pool owns
  private static MemorySegment window(MemorySegment memory, Arena life) {
    return memory.reinterpret(life, null);
  }

  LeaseTrace trace() {
    return trace;
  }

  @Override
  public MemorySegment segment() {
    synchronized (pool) {
      if (block.trace != trace) {
        throw block.closed();
      }
      return segment;
    }
  }

  @Override
  public long leasedBytes() {
    return block.leasedBytes();
  }

  @Override
  public String holder() {
    return holder;
  }

  @Override
  public void close() {
    pool.giveBack(block, trace);
  }
}
