package dev.serval.tck.run;

import dev.serval.api.attention.MaskKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;

/** Which cells of one group are free, and which position of which sequence each other one holds. */
final class CellLedger {

  private final MaskKind mask;
  private final int[] owners;
  private final IntUnaryOperator pick;
  private final List<TreeMap<Integer, Integer>> held = new ArrayList<>();

  /**
   * Creates a ledger of free cells.
   *
   * @param pick chooses one of that many free cells, by rank
   */
  CellLedger(MaskKind mask, int cells, int sequences, IntUnaryOperator pick) {
    this.mask = mask;
    this.owners = new int[cells];
    this.pick = pick;
    for (int s = 0; s < sequences; s++) {
      held.add(new TreeMap<>());
    }
  }

  /** Takes a free cell for a new position, after giving up what that position cannot see. */
  int take(int sequence, int position) {
    int rank = pick.applyAsInt(free());
    for (int cell = 0; cell < owners.length; cell++) {
      if (owners[cell] == 0 && rank-- == 0) {
        owners[cell] = 1;
        held.get(sequence).put(position, cell);
        return cell;
      }
    }
    throw new IllegalStateException("no free cell for position " + position);
  }

  private int free() {
    int n = 0;
    for (int o : owners) {
      n += o == 0 ? 1 : 0;
    }
    if (n == 0) {
      throw new IllegalStateException("all " + owners.length + " cells are taken");
    }
    return n;
  }

  /** Gives up the positions that tokens from {@code position} on cannot see. */
  void prune(int sequence, int position) {
    while (!held.get(sequence).isEmpty()
        && held.get(sequence).firstKey() < mask.visibleFrom(position)) {
      owners[held.get(sequence).pollFirstEntry().getValue()]--;
    }
  }

  /** Gives up the positions from {@code length} on. */
  void truncate(int sequence, int length) {
    Map<Integer, Integer> gone = held.get(sequence).tailMap(length);
    gone.values().forEach(cell -> owners[cell]--);
    gone.clear();
  }

  /** Shares the cells of the first {@code length} positions; returns position → cell. */
  Map<Integer, Integer> share(int from, int to, int length) {
    truncate(to, 0);
    Map<Integer, Integer> shared = held.get(from).headMap(length);
    shared.values().forEach(cell -> owners[cell]++);
    held.get(to).putAll(shared);
    return shared;
  }

  /** Position → cell of a sequence, ascending. */
  Map<Integer, Integer> cells(int sequence) {
    return held.get(sequence);
  }
}
