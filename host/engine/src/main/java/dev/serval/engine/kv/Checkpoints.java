package dev.serval.engine.kv;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PooledBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoints of a model in host memory, at most so many bytes; the least recently used goes
 * first. Which texts they belong to follows the sequences. Confined to the model's runner thread.
 */
final class Checkpoints implements AutoCloseable {

  private final CompileSpec.Resources host;
  private final long limitBytes;
  private final List<Checkpoint> all = new ArrayList<>();
  private long bytes;
  private long uses;

  /**
   * No checkpoints yet.
   *
   * @param host where memory comes from
   * @param limitBytes bytes that checkpoints may take, tier rounding included
   */
  Checkpoints(CompileSpec.Resources host, long limitBytes) {
    this.host = host;
    this.limitBytes = limitBytes;
  }

  /** Bytes that checkpoints take, tier rounding included. */
  long bytes() {
    return bytes;
  }

  /** Number of checkpoints. */
  int size() {
    return all.size();
  }

  /**
   * Makes room for a checkpoint.
   *
   * @param tables tables of the window groups
   * @return memory for the rows, which belongs to nobody yet; null if there is not enough, even
   *     without all others
   */
  @Nullable Checkpoint create(List<CellTable> tables, int position, long rowBytes) {
    long leased = BufferPool.leasedBytes(rowBytes);
    if (leased > limitBytes) {
      return null;
    }
    while (bytes + leased > limitBytes) {
      drop(leastUsed());
    }
    String holder = "checkpoint " + host.holder();
    while (true) {
      try {
        host.budget().reserve(leased, holder);
        break;
      } catch (OutOfBudgetException e) {
        if (all.isEmpty()) {
          return null;
        }
        drop(leastUsed());
      }
    }
    PooledBuffer rows;
    try {
      rows = host.pool().lease(rowBytes, holder);
    } catch (RuntimeException | Error e) {
      host.budget().release(leased);
      throw e;
    }
    Checkpoint c = new Checkpoint(tables, position, rows);
    bytes += leased;
    all.add(c);
    use(c);
    return c;
  }

  private Checkpoint leastUsed() {
    return all.stream().min(Comparator.comparingLong(c -> c.lastUse)).orElseThrow();
  }

  /** Notes that a checkpoint is used now. */
  void use(Checkpoint c) {
    c.lastUse = ++uses;
  }

  /** Forgets a checkpoint. */
  void drop(Checkpoint c) {
    all.remove(c);
    long leased = c.rows().leasedBytes();
    c.rows().close();
    bytes -= leased;
    host.budget().release(leased);
  }

  /** The checkpoint with which a sequence may go on furthest, up to a position; null for none. */
  @Nullable Checkpoint best(int sequence, int position) {
    Checkpoint best = null;
    int reach = 0;
    for (Checkpoint c : all) {
      int r = c.reach(sequence, position);
      if (r > reach) {
        best = c;
        reach = r;
      }
    }
    return best;
  }

  /** Whether there is one of a position that a sequence came to, or of one token before it. */
  boolean has(int sequence, int position) {
    for (Checkpoint c : all) {
      if (c.position() >= position && c.reach(sequence, position) >= position - 1) {
        return true;
      }
    }
    return false;
  }

  /** How far the checkpoints of a sequence reach. */
  int reach(int sequence) {
    int most = 0;
    for (Checkpoint c : all) {
      most = Math.max(most, c.limit(sequence));
    }
    return most;
  }

  /** Notes that a sequence has the text of another up to a position. */
  void fork(int source, int target, int length) {
    for (Checkpoint c : List.copyOf(all)) {
      c.limit(target, Math.min(c.limit(source), length));
    }
    dropUnused();
  }

  /** Notes that the text of a sequence changes from a position on. */
  void truncate(int sequence, int position) {
    for (Checkpoint c : all) {
      if (c.limit(sequence) > position) {
        c.limit(sequence, position);
      }
    }
    dropUnused();
  }

  private void dropUnused() {
    for (Checkpoint c : List.copyOf(all)) {
      if (!c.servesAny()) {
        drop(c);
      }
    }
  }

  /** Forgets all. */
  @Override
  public void close() {
    List.copyOf(all).forEach(this::drop);
  }
}
