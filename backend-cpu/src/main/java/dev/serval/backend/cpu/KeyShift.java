package dev.serval.backend.cpu;

import dev.serval.api.attention.RopeSpec;
import dev.serval.api.kv.KvSlot;
import dev.serval.backend.cpu.kernel.RowKernel;
import dev.serval.backend.cpu.layout.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Moves stored keys of a program to other positions: a job of the device queue, spread over the
 * team. Each member works in its scratch memory:
 *
 * <pre>
 * cosines [nRot / 2] · sines [nRot / 2] · a key of a head [keyDim], F32
 * </pre>
 */
final class KeyShift {

  /** Cells per item of the team's work; each computes the cosines and sines anew. */
  private static final int CELLS_PER_ITEM = 64;

  private final CpuDevice device;
  private final KvLayout layout;
  private final MemorySegment kv;
  private final List<MemorySegment> scratch;

  /** By index of the slot; none for keys that carry no position. */
  private final Map<Integer, double[]> inverseFrequencies = new HashMap<>();

  /**
   * Prepares the rotations of all slots.
   *
   * @param kv memory of the rows
   * @param scratch scratch memory of each member of the team
   */
  KeyShift(
      CpuDevice device,
      KvLayout layout,
      PlacedWeights weights,
      MemorySegment kv,
      List<MemorySegment> scratch) {
    this.device = device;
    this.layout = layout;
    this.kv = kv;
    this.scratch = scratch;
    for (KvSlot slot : layout.slots()) {
      slot.rotation()
          .ifPresent(r -> inverseFrequencies.put(slot.index(), weights.inverseFrequencies(r)));
    }
  }

  /** Rotates the keys of some cells, which are in range and distinct. */
  void shift(KvLayout.SlotRows rows, int[] cells, int by) {
    double[] frequencies = inverseFrequencies.get(rows.slot().index());
    if (frequencies != null && by != 0) {
      int items = (cells.length + CELLS_PER_ITEM - 1) / CELLS_PER_ITEM;
      device.call(team ->
          team.run(
              (member, item) -> {
                int until = Math.min(cells.length, (item + 1) * CELLS_PER_ITEM);
                fill(scratch.get(member), frequencies, by);
                turn(rows, cells, item * CELLS_PER_ITEM, until, scratch.get(member));
              },
              items));
    }
  }

  private static void fill(MemorySegment table, double[] frequencies, int by) {
    int pairs = frequencies.length;
    for (int p = 0; p < pairs; p++) {
      double angle = by * frequencies[p];
      table.setAtIndex(ValueLayout.JAVA_FLOAT, p, (float) Math.cos(angle));
      table.setAtIndex(ValueLayout.JAVA_FLOAT, pairs + p, (float) Math.sin(angle));
    }
  }

  private void turn(KvLayout.SlotRows rows, int[] cells, int from, int until, MemorySegment s) {
    RowKernel kernel = device.kernels().rows();
    KvSlot slot = rows.slot();
    RopeSpec spec = slot.rotation().orElseThrow();
    boolean neox = spec.style() == RopeSpec.Style.NEOX;
    int nRot = spec.nRot();
    int dim = slot.keyDim();
    for (int i = from; i < until; i++) {
      for (int head = 0; head < slot.nKvHeads(); head++) {
        long key = rows.key(head, cells[i]);
        kernel.load(layout.type(), kv, key, s, nRot, dim);
        kernel.rope(s, nRot, s, nRot, 1, dim, nRot, neox, s, 0);
        kernel.store(s, nRot, layout.type(), kv, key, dim);
      }
    }
  }
}
