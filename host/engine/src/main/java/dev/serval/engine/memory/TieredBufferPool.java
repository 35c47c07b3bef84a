package dev.serval.engine.memory;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * <p>A <b>tracked</b> lease remembers where it was opened, and is reported if its holder forgets
 * it. Where every lease is tracked, each also sees its block through a window that ends with the
 * lease: ending it stops all threads for a moment, too much for a sample. A lease that is not
 * tracked makes no object where it finds a kept block that had the same size: its owner must not
 * close it twice, which is noticed only as long as nobody else leased the block. Both are on an
 * account, whose end frees them. Thread-safe.
 */
public final class TieredBufferPool implements BufferPool, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TieredBufferPool.class);

  /** The account of leases that are nobody's in particular. */
  private static final String OWN_ACCOUNT = "engine";

  private static final long[] TIERS = {TIER_1_BYTES, TIER_2_BYTES, TIER_3_BYTES, TIER_4_BYTES};

  private final MemorySource source;
  private final PoolAccount own = new PoolAccount(this, OWN_ACCOUNT);
  private final ReferenceQueue<TrackedLease> forgotten = new ReferenceQueue<>();

  /** Blocks for later leases, one list for each tier, linked by {@link PoolBlock#next}. */
  private final @Nullable PoolBlock[] kept = new PoolBlock[TIERS.length];

  private final long[] keptBytes = new long[TIERS.length];

  /** The newest open lease; the others follow by {@link PoolBlock#next}. */
  private @Nullable PoolBlock open;

  private long retainedBytesPerTier;
  private int trackEvery;
  private long leases;
  private long untilTracked;
  private long hits;
  private long misses;
  private long oversize;
  private long leasedBytes;
  private long peakLeasedBytes;
  private long leaks;
  private boolean closed;

  /** Creates an empty pool. */
  public TieredBufferPool(PoolOptions options) {
    source = options.source();
    retainedBytesPerTier = options.retainedBytesPerTier();
    trackEvery = options.trackEvery();
    untilTracked = trackEvery;
  }

  /**
   * Changes the bounds. What is kept beyond them is freed; leases from now on are tracked as they
   * say, open ones stay as they are.
   *
   * @param options bounds; memory goes on to come from where it came from
   */
  public void configure(PoolOptions options) {
    List<PoolBlock> surplus = new ArrayList<>();
    synchronized (this) {
      retainedBytesPerTier = options.retainedBytesPerTier();
      trackEvery = options.trackEvery();
      untilTracked = trackEvery;
      for (int tier = 0; tier < TIERS.length; tier++) {
        PoolBlock b = kept[tier];
        while (b != null && keptBytes[tier] > retainedBytesPerTier) {
          surplus.add(b);
          keptBytes[tier] -= TIERS[tier];
          b = b.next;
        }
        kept[tier] = b;
      }
    }
    surplus.forEach(PoolBlock::free);
  }

  /**
   * The pool for one holder.
   *
   * @param name whose account it is; accounts of equal names are reported as one
   */
  public PoolAccount account(String name) {
    return new PoolAccount(this, name);
  }

  @Override
  public PooledBuffer lease(long bytes, String holder) {
    return lease(bytes, holder, own);
  }

  PooledBuffer lease(long bytes, String holder, PoolAccount account) {
    long blockBytes = BufferPool.leasedBytes(bytes);
    int tier = tier(blockBytes);
    PoolBlock block;
    boolean tracked;
    synchronized (this) {
      requireOpen(account);
      tracked = isNextTracked();
      block = tier < 0 ? null : kept[tier];
      if (block != null) {
        kept[tier] = block.next;
        keptBytes[tier] -= blockBytes;
        hits++;
        if (!tracked) {
          open(block, bytes, holder, account);
        }
      }
    }
    if (block != null) {
      block.memory().asSlice(0, bytes).fill((byte) 0);
      return tracked ? track(block, bytes, holder, account) : block;
    }
    block = allocate(blockBytes, tier, holder);
    synchronized (this) {
      if (tier >= 0) {
        misses++;
      } else {
        oversize++;
      }
      if (!tracked) {
        open(block, bytes, holder, account);
      }
    }
    return tracked ? track(block, bytes, holder, account) : block;
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

  private void requireOpen(PoolAccount account) {
    if (closed || account.isClosed()) {
      throw new IllegalStateException(
          closed ? "the pool is closed" : "the account of " + account.name() + " is closed");
    }
  }

  private boolean isNextTracked() {
    if (trackEvery == 0 || --untilTracked > 0) {
      return false;
    }
    untilTracked = trackEvery;
    return true;
  }

  private synchronized TrackedLease track(
      PoolBlock block, long bytes, String holder, PoolAccount account) {
    reportForgotten();
    open(block, bytes, holder, account);
    TrackedLease lease = new TrackedLease(this, block, holder, trackEvery == 1, forgotten);
    block.trace = lease.trace();
    return lease;
  }

  /** Begins a lease: puts the block first in the list. */
  private void open(PoolBlock block, long bytes, String holder, PoolAccount account) {
    block.open(bytes, holder, account);
    block.previous = null;
    block.next = open;
    if (open != null) {
      open.previous = block;
    }
    open = block;
    leases++;
    leasedBytes += block.leasedBytes();
    peakLeasedBytes = Math.max(peakLeasedBytes, leasedBytes);
  }

  /** Ends a lease: takes the block out of the list. */
  private void end(PoolBlock block) {
    if (block.previous != null) {
      block.previous.next = block.next;
    } else {
      open = block.next;
    }
    if (block.next != null) {
      block.next.previous = block.previous;
    }
    block.next = null;
    block.previous = null;
    block.account = null;
    block.trace = null;
    leases--;
    leasedBytes -= block.leasedBytes();
  }

  private PoolBlock allocate(long bytes, int tier, String holder) {
    Arena arena = Arena.ofShared();
    boolean allocated = false;
    try {
      MemorySegment memory = source.allocate(arena, bytes, ALIGNMENT_BYTES);
      if (memory.address() % ALIGNMENT_BYTES != 0 || memory.byteSize() != bytes) {
        throw new IllegalStateException(
            "expected "
                + bytes
                + " bytes aligned to "
                + ALIGNMENT_BYTES
                + ", got "
                + memory.byteSize()
                + " at "
                + memory.address());
      }
      allocated = true;
      return new PoolBlock(this, arena, memory, tier);
    } catch (OutOfMemoryError e) {
      OutOfBudgetException refusal = new OutOfBudgetException(holder, bytes, 0);
      refusal.initCause(e);
      throw refusal;
    } finally {
      if (!allocated) {
        arena.close();
      }
    }
  }

  /**
   * Ends a lease.
   *
   * @param trace what tracks it; null for one that is not tracked
   */
  void giveBack(PoolBlock block, @Nullable LeaseTrace trace) {
    synchronized (this) {
      if (block.account == null || block.trace != trace) {
        throw block.closed();
      }
      if (trace != null) {
        trace.end();
      }
      end(block);
      int tier = block.tier;
      if (!closed && tier >= 0) {
        long bytes = block.leasedBytes();
        if (keptBytes[tier] + bytes <= retainedBytesPerTier) {
          block.next = kept[tier];
          kept[tier] = block;
          keptBytes[tier] += bytes;
          return;
        }
      }
    }
    block.free();
  }

  /** Ends an account: frees what is still leased on it. */
  void reclaim(PoolAccount account) {
    List<PoolBlock> left = new ArrayList<>();
    synchronized (this) {
      account.markClosed();
      for (PoolBlock b = open; b != null; b = b.next) {
        if (b.account == account) {
          left.add(b);
        }
      }
      for (PoolBlock b : left) {
        LOG.warn("memory was not given back, and is taken back: {}", b.report(account));
        leaks++;
        if (b.trace != null) {
          b.trace.end();
        }
        end(b);
      }
    }
    left.forEach(PoolBlock::free);
  }

  /** Reports tracked leases that nobody can close any more. Their memory may still be in use. */
  private void reportForgotten() {
    for (Reference<?> r = forgotten.poll(); r != null; r = forgotten.poll()) {
      PoolBlock block = ((LeaseTrace) r).block();
      if (block.trace == r && block.account != null) {
        leaks++;
        LOG.warn("memory was forgotten: {}", block.report(block.account));
      }
    }
  }

  @Override
  public synchronized PoolMetrics metrics() {
    long retained = 0;
    for (long bytes : keptBytes) {
      retained += bytes;
    }
    return new PoolMetrics(hits, misses, oversize, leasedBytes, peakLeasedBytes, retained, leases);
  }

  /**
   * Leases that were not closed by their holders: those that an account's end took back, and
   * tracked ones that nobody can close any more.
   */
  public synchronized long leaks() {
    reportForgotten();
    return leaks;
  }

  /** The leases open now, largest first: who uses memory, or at the end, who leaks it. */
  public List<OpenLease> leases() {
    List<OpenLease> report = new ArrayList<>();
    synchronized (this) {
      for (PoolBlock b = open; b != null; b = b.next) {
        if (b.account != null) {
          report.add(b.report(b.account));
        }
      }
    }
    report.sort(Comparator.comparingLong(OpenLease::leasedBytes).reversed());
    return List.copyOf(report);
  }

  /**
   * Frees what is kept and refuses further leases. Memory leased now stays valid until its holder
   * closes it or its account ends; {@link #leases} names them.
   */
  @Override
  public void close() {
    List<PoolBlock> blocks = new ArrayList<>();
    synchronized (this) {
      closed = true;
      for (int tier = 0; tier < TIERS.length; tier++) {
        for (PoolBlock b = kept[tier]; b != null; b = b.next) {
          blocks.add(b);
        }
        kept[tier] = null;
        keptBytes[tier] = 0;
      }
    }
    blocks.forEach(PoolBlock::free);
  }
}
