package dev.serval.engine.memory;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The pool of off-heap memory of one engine.
 *
 * <p>Memory comes in <b>blocks</b>, each an arena of its own:
 *
 * <ul>
 *   <li>a lease of at most {@link BufferPool#TIER_4_BYTES} takes a block of its tier: one kept from
 *       an earlier lease (a hit, zeroed again) or a fresh one (a miss);
 *   <li>a larger lease always takes a fresh block of its exact size, rounded up to the alignment;
 *   <li>a returned tier block is kept while its tier holds less than the bound, otherwise freed at
 *       once; larger blocks are freed at once.
 * </ul>
 *
 * <p>What a holder sees is a window on the block that ends with the lease: its segments cannot be
 * used after {@link PooledBuffer#close}, not even where the block lives on. Thread-safe.
 */
public final class TieredBufferPool implements BufferPool, AutoCloseable {

  /** Bytes that each tier keeps for later leases: 16 MiB, which is 128 or 32, 16 or 4 blocks. */
  public static final long RETAINED_BYTES_PER_TIER = 16L << 20;

  private static final long[] TIERS = {TIER_1_BYTES, TIER_2_BYTES, TIER_3_BYTES, TIER_4_BYTES};

  /** Memory of its own lifetime. */
  private record Block(Arena arena, MemorySegment memory) {}

  private final long retainedBytesPerTier;
  private final List<Deque<Block>> retained = new ArrayList<>();
  private final Set<Lease> open = new LinkedHashSet<>();
  private long hits;
  private long misses;
  private long oversize;
  private long leasedBytes;
  private long peakLeasedBytes;
  private long retainedBytes;
  private boolean closed;

  /** Creates an empty pool with the default bound. */
  public TieredBufferPool() {
    this(RETAINED_BYTES_PER_TIER);
  }

  /**
   * Creates an empty pool.
   *
   * @param retainedBytesPerTier bytes that each tier keeps at most; 0 to keep nothing
   */
  public TieredBufferPool(long retainedBytesPerTier) {
    if (retainedBytesPerTier < 0) {
      throw new IllegalArgumentException(
          "retainedBytesPerTier must not be negative: " + retainedBytesPerTier);
    }
    this.retainedBytesPerTier = retainedBytesPerTier;
    for (int i = 0; i < TIERS.length; i++) {
      retained.add(new ArrayDeque<>());
    }
  }

  @Override
  public PooledBuffer lease(long bytes, String holder) {
    long blockBytes = BufferPool.leasedBytes(bytes);
    int tier = tier(blockBytes);
    Block kept = take(tier);
    if (kept != null) {
      kept.memory().asSlice(0, bytes).fill((byte) 0);
    }
    Block block = kept != null ? kept : allocate(blockBytes, holder);
    Lease lease = new Lease(block, tier, bytes, holder);
    synchronized (this) {
      open.add(lease);
      leasedBytes += blockBytes;
      peakLeasedBytes = Math.max(peakLeasedBytes, leasedBytes);
      if (kept != null) {
        hits++;
      } else if (tier >= 0) {
        misses++;
      } else {
        oversize++;
      }
    }
    return lease;
  }

  /** The tier of a block, or −1 above the largest. */
  private static int tier(long blockBytes) {
    for (int i = 0; i < TIERS.length; i++) {
      if (blockBytes == TIERS[i]) {
        return i;
      }
    }
    return -1;
  }

  private synchronized @Nullable Block take(int tier) {
    if (closed) {
      throw new IllegalStateException("the pool is closed");
    }
    Block block = tier < 0 ? null : retained.get(tier).pollLast();
    if (block != null) {
      retainedBytes -= block.memory().byteSize();
    }
    return block;
  }

  private static Block allocate(long bytes, String holder) {
    Arena arena = Arena.ofShared();
    try {
      return new Block(arena, arena.allocate(bytes, ALIGNMENT_BYTES));
    } catch (OutOfMemoryError e) {
      arena.close();
      OutOfBudgetException refusal = new OutOfBudgetException(holder, bytes, 0);
      refusal.initCause(e);
      throw refusal;
    }
  }

  private void giveBack(Lease lease) {
    Block block = lease.block;
    long bytes = block.memory().byteSize();
    synchronized (this) {
      open.remove(lease);
      leasedBytes -= bytes;
      if (!closed && lease.tier >= 0) {
        Deque<Block> kept = retained.get(lease.tier);
        if ((kept.size() + 1) * bytes <= retainedBytesPerTier) {
          kept.addLast(block);
          retainedBytes += bytes;
          return;
        }
      }
    }
    block.arena().close();
  }

  @Override
  public synchronized PoolMetrics metrics() {
    return new PoolMetrics(
        hits, misses, oversize, leasedBytes, peakLeasedBytes, retainedBytes, open.size());
  }

  /** The leases open now, largest first: who uses memory, or at the end, who leaks it. */
  public List<OpenLease> leases() {
    List<OpenLease> report = new ArrayList<>();
    synchronized (this) {
      for (Lease lease : open) {
        report.add(new OpenLease(lease.holder, lease.requestedBytes, lease.leasedBytes()));
      }
    }
    report.sort(Comparator.comparingLong(OpenLease::leasedBytes).reversed());
    return List.copyOf(report);
  }

  /**
   * Frees what is kept and refuses further leases. Memory leased now stays valid until its holder
   * closes it; {@link #leases} names them.
   */
  @Override
  public void close() {
    List<Block> blocks = new ArrayList<>();
    synchronized (this) {
      closed = true;
      for (Deque<Block> kept : retained) {
        blocks.addAll(kept);
        kept.clear();
      }
      retainedBytes = 0;
    }
    for (Block block : blocks) {
      block.arena().close();
    }
  }

  /** One lease: a window on a block that ends with it. */
  private final class Lease implements PooledBuffer {
    private final Block block;
    private final int tier;
    private final long requestedBytes;
    private final String holder;
    private final Arena life = Arena.ofShared();
    private final MemorySegment segment;
    private boolean returned;

    Lease(Block block, int tier, long requestedBytes, String holder) {
      this.block = block;
      this.tier = tier;
      this.requestedBytes = requestedBytes;
      this.holder = holder;
      this.segment = window(block.memory(), requestedBytes, life);
    }

    @SuppressWarnings("restricted") // narrows lifetime and size of memory this pool owns
    private static MemorySegment window(MemorySegment memory, long bytes, Arena life) {
      return memory.reinterpret(bytes, life, null);
    }

    @Override
    public synchronized MemorySegment segment() {
      requireOpen();
      return segment;
    }

    @Override
    public long leasedBytes() {
      return block.memory().byteSize();
    }

    @Override
    public String holder() {
      return holder;
    }

    private void requireOpen() {
      if (returned) {
        throw new IllegalStateException("buffer of \"" + holder + "\" is closed");
      }
    }

    @Override
    public void close() {
      synchronized (this) {
        requireOpen();
        life.close();
        returned = true;
      }
      giveBack(this);
    }
  }
}
