package dev.serval.engine.kv;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a model has computed and may use again: {@link KvCells}, the rows behind them, and
 * checkpoints of window rows.
 *
 * <p>A causal group holds all of a text, so that it may go on anywhere. A window group forgets:
 * further back than its window memory a text goes on only where a checkpoint has what the next
 * token sees. {@link #remember} makes them, at the end of each prompt and so that there is one at
 * most a window and a step before every position, as long as the budget lasts; and as late as
 * possible, so that short texts need none.
 *
 * <p>To use what is cached for a text that begins like a sequence for {@code n} tokens:
 *
 * <pre>
 * cache.fork(cached, fresh, n);                    // or go on with the cached sequence itself
 * int position = cache.resume(fresh, n).position();  // compute from here
 * </pre>
 *
 * <p>Steps are filled through {@link #cells()}. Everything here happens between steps and is
 * confined to the model's runner thread.
 */
public final class KvCache implements AutoCloseable {

  private final KvCells cells;
  private final List<CellTable> windows;
  private final Map<KvSlot, KvStorage> storages = new HashMap<>();
  private final CompileSpec.Resources host;
  private final Checkpoints checkpoints;
  private final int widest;

  /** Indices of cells on their way to a storage. */
  private final MemorySegment indices;

  /**
   * Puts cells and rows together.
   *
   * @param cells the cells of the model
   * @param storages rows of the programs of all stages
   * @param host host memory, for checkpoints and for rows on their way to other cells
   * @param checkpointBytes bytes that checkpoints may take; 0 for none
   * @throws IllegalArgumentException if a slot has no rows
   */
  public KvCache(
      KvCells cells, List<KvStorage> storages, CompileSpec.Resources host, long checkpointBytes) {
    this.cells = cells;
    for (KvStorage storage : storages) {
      storage.format().slots().forEach(slot -> this.storages.put(slot, storage));
    }
    for (CellTable t : cells.tables()) {
      if (!this.storages.keySet().containsAll(t.group().slots())) {
        throw new IllegalArgumentException("not all slots have rows: " + t.group());
      }
    }
    windows = cells.tables().stream().filter(t -> t.group().mask().window() > 0).toList();
    widest = windows.stream().mapToInt(t -> t.group().mask().window()).max().orElse(0);
    checkpoints = new Checkpoints(host, checkpointBytes);
    this.host = host;
    indices = MemorySegment.ofArray(new int[Math.addExact(widest, 1)]);
  }

  /** The cells, for filling steps. */
  public KvCells cells() {
    return cells;
  }

  /** Bytes of host memory that checkpoints take now. */
  public long checkpointBytes() {
    return checkpoints.bytes();
  }

  /**
   * Makes a sequence begin as another does, without copying; with its checkpoints.
   *
   * @param source the sequence to share with
   * @param target the sequence that changes, another one
   * @param length tokens that both have
   */
  public void fork(int source, int target, int length) {
    cells.fork(source, target, length);
    checkpoints.fork(source, target, length);
  }

  /** Takes positions away from a sequence from one on; 0 for the whole sequence. Never fails. */
  public void remove(int sequence, int from) {
    cells.remove(sequence, from);
    checkpoints.truncate(sequence, from);
  }

  /** Why {@link #remove(int, int, int)} cannot close gaps; empty if it can. */
  public List<String> shiftProblems() {
    Set<String> problems = new LinkedHashSet<>();
    storages.values().forEach(s -> problems.addAll(s.shiftProblems()));
    return List.copyOf(problems);
  }

  /**
   * Whether a sequence could go on at its end without some positions in its middle: whether none is
   * missing from what the next token sees then. Depends on the positions only.
   */
  public boolean keepsWindows(int sequence, int begin, int end) {
    return MovedRows.keepsWindows(cells, sequence, begin, end);
  }

  /**
   * Whether {@link #remove(int, int, int)} finds cells for what it has to copy. If not, another
   * sequence must be removed first: there is room as soon as nobody shares what has to move.
   */
  public boolean hasRoomToMove(int sequence, int begin, int end) {
    return MovedRows.hasRoom(cells, sequence, begin, end);
  }

  /**
   * Takes positions out of the middle of a sequence; those behind move down, and their keys are
   * rotated. Where another sequence sees them too they are copied first. Checkpoints beyond the gap
   * are lost. In a window group the window may be incomplete afterwards: {@link #resumable} says
   * so.
   *
   * @param begin first position
   * @param end one past the last; the length or more removes the rest
   * @throws CacheFullException if there is {@linkplain #hasRoomToMove no room}; nothing is changed
   * @throws OutOfBudgetException if rows have to be copied and there is no host memory for some of
   *     them; nothing is changed
   * @throws UnsupportedOperationException if there are {@link #shiftProblems}; nothing is changed
   * @throws RuntimeException what a storage throws; the sequence is removed then, since some of its
   *     keys may be rotated and others not
   */
  public void remove(int sequence, int begin, int end) {
    if (begin < 0 || end <= begin) {
      throw new IllegalArgumentException("positions [" + begin + ", " + end + ")");
    }
    if (end >= cells.length(sequence)) {
      remove(sequence, begin);
      return;
    }
    List<String> problems = shiftProblems();
    if (!problems.isEmpty()) {
      throw new UnsupportedOperationException(String.join("; ", problems));
    }
    MovedRows.requireRoom(cells, sequence, begin, end);
    try (MovedRows moved = new MovedRows(cells, this::storage, host, sequence, end)) {
      boolean done = false;
      try {
        moved.move(begin);
        done = true;
      } finally {
        if (!done) {
          remove(sequence, 0);
        }
      }
    }
    checkpoints.truncate(sequence, begin);
  }

  private KvStorage storage(KvSlot slot) {
    return Objects.requireNonNull(storages.get(slot));
  }

  /**
   * Makes a checkpoint of what the next step of a sequence may take out of reach, if it is worth
   * one: of the end of a prompt, or where the last checkpoint is a window away. Called when a step
   * with tokens of the sequence is settled.
   *
   * @param promptEnd a position that somebody is likely to come back to; 0 for none
   */
  public void remember(int sequence, int promptEnd) {
    if (widest == 0) {
      return;
    }
    int leaving = cells.length(sequence) - cells.windowMemory();
    int reach = checkpoints.reach(sequence);
    if (reach < promptEnd && promptEnd <= leaving && !checkpoints.has(sequence, promptEnd)) {
      checkpoint(sequence, promptEnd);
    } else if (leaving - reach >= widest) {
      checkpoint(sequence, leaving);
    }
  }

  /**
   * Keeps the windows of a position, so that the sequence or another with this text may go on there
   * later, or one token before. Copies the rows of the window groups to host memory: up to a window
   * and a token per slot. Does nothing without window groups, and where there is one already.
   *
   * @param position up to where the sequence is
   * @return whether it may go on there later; false if the budget is too small, or the windows are
   *     gone already
   */
  public boolean checkpoint(int sequence, int position) {
    if (windows.isEmpty() || position == 0 || checkpoints.has(sequence, position)) {
      return true;
    }
    long bytes = 0;
    for (CellTable t : windows) {
      int from = Checkpoint.from(t.group(), position);
      if (from < t.from(sequence)) {
        return false;
      }
      for (KvSlot slot : t.group().slots()) {
        bytes += (position - from) * storage(slot).format().rowBytes(slot);
      }
    }
    Checkpoint c = checkpoints.create(windows, position, bytes);
    if (c == null) {
      return false;
    }
    boolean done = false;
    try {
      eachSlot(c, sequence, (slot, some, rows) -> storage(slot).exportRows(slot, some, rows));
      c.limit(sequence, position);
      done = true;
    } finally {
      if (!done) {
        checkpoints.drop(c);
      }
    }
    return true;
  }

  private interface Transfer {
    void move(KvSlot slot, MemorySegment cells, MemorySegment rows);
  }

  /** Moves the rows of a checkpoint from or to the cells that a sequence holds for them. */
  private void eachSlot(Checkpoint c, int sequence, Transfer transfer) {
    MemorySegment rows = c.rows().segment();
    long at = 0;
    for (CellTable t : windows) {
      int from = Checkpoint.from(t.group(), c.position());
      int n = c.position() - from;
      MemorySegment some = indices.asSlice(0, 4L * n);
      t.cells(sequence, from, c.position(), some);
      for (KvSlot slot : t.group().slots()) {
        long bytes = n * storage(slot).format().rowBytes(slot);
        transfer.move(slot, some, rows.asSlice(at, bytes));
        at += bytes;
      }
    }
  }

  /**
   * The greatest position up to {@code position} from which computing of a sequence, or of one with
   * its text, may go on with cells and checkpoints, and why it is not more. Whether there is room
   * for a checkpoint's rows says {@link #hasRoom}.
   */
  public Resumption resumable(int sequence, int position) {
    return resumption(sequence, position, better(sequence, position));
  }

  private Resumption resumption(int sequence, int position, @Nullable Checkpoint better) {
    int best =
        better == null ? cells.resumable(sequence, position) : better.reach(sequence, position);
    return new Resumption(position, best, better != null, reason(sequence, position, best));
  }

  /** The checkpoint that takes a sequence further than its cells. */
  private @Nullable Checkpoint better(int sequence, int position) {
    Checkpoint c = checkpoints.best(sequence, position);
    return c == null || c.reach(sequence, position) <= cells.resumable(sequence, position)
        ? null
        : c;
  }

  /**
   * Whether there are cells for all that {@link #resume} would restore. If not, it goes less far,
   * unless another sequence is removed first.
   */
  public boolean hasRoom(int sequence, int position) {
    Checkpoint c = better(sequence, position);
    return c == null || hasRoom(sequence, c);
  }

  private boolean hasRoom(int sequence, Checkpoint c) {
    for (CellTable t : windows) {
      int n = c.position() - Checkpoint.from(t.group(), c.position());
      if (!cells.canHold(t, sequence, n)) {
        return false;
      }
    }
    return true;
  }

  private String reason(int sequence, int asked, int best) {
    int length = cells.length(sequence);
    if (best == asked) {
      return "";
    }
    if (best == length) {
      return "sequence " + sequence + " has " + length + " tokens in the cache";
    }
    int wanted = Math.min(asked, length);
    for (CellTable t : cells.tables()) {
      if (!t.canResume(sequence, wanted)) {
        return "what position "
            + wanted
            + " of sequence "
            + sequence
            + " sees of "
            + t.group().mask()
            + " is neither in the cache, which begins at "
            + t.from(sequence)
            + ", nor in a checkpoint that has room";
      }
    }
    return "not all groups of sequence " + sequence + " can go on at one position above " + best;
  }

  /**
   * Takes a sequence back to where it may go on: restores a checkpoint if that takes it further,
   * and removes what is beyond.
   *
   * @param position where it should go on
   * @return where it goes on
   * @throws RuntimeException what a storage throws; the sequence is removed then
   */
  public Resumption resume(int sequence, int position) {
    Checkpoint best = better(sequence, position);
    Checkpoint c = best != null && hasRoom(sequence, best) ? best : null;
    Resumption r = resumption(sequence, position, c);
    if (c != null) {
      restore(sequence, c);
    }
    remove(sequence, r.position());
    return r;
  }

  private void restore(int sequence, Checkpoint c) {
    cells.remove(sequence, c.position());
    boolean done = false;
    try {
      for (CellTable t : windows) {
        t.adopt(sequence, Checkpoint.from(t.group(), c.position()), c.position());
      }
      eachSlot(
          c,
          sequence,
          (slot, some, rows) -> {
            KvStorage storage = storage(slot);
            storage.importRows(storage.format(), slot, some, rows);
          });
      done = true;
    } finally {
      if (!done) {
        remove(sequence, 0);
      }
    }
    checkpoints.use(c);
  }

  /** Gives the memory of the checkpoints back. */
  @Override
  public void close() {
    checkpoints.close();
  }
}
