package dev.serval.backend.cpu;

import dev.serval.api.graph.Mark;
import dev.serval.api.tensor.DataType;
import dev.serval.backend.cpu.kernel.KernelSet;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.backend.cpu.kernel.MatmulKernel;
import dev.serval.backend.cpu.kernel.PackedMatrix;
import dev.serval.backend.cpu.kernel.TileScratch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Kernels that tell which layer they compute, by the matrices they multiply with: each layer has as
 * many, in order, and the output one. They are known once a program has computed a step, which
 * until then computes unseen. Thread-safe.
 */
final class LayerProbe implements MatmulKernel {

  private final MatmulKernel kernel;
  private final int layers;
  private final Consumer<Mark> probe;

  /** The matrices of each placement, whose memory is one lease, in order of first use. */
  private final Map<MemorySegment.Scope, List<MemorySegment>> matrices = new HashMap<>();

  private LayerProbe(MatmulKernel kernel, int layers, Consumer<Mark> probe) {
    this.kernel = kernel;
    this.layers = layers;
    this.probe = probe;
  }

  /** The best kernels, for graphs of so many layers. */
  static KernelSet kernels(int layers, Consumer<Mark> probe) {
    KernelSet best = KernelSets.best().set();
    return new KernelSet(
        best.name(),
        best.vectorBits(),
        new LayerProbe(best.matmul(), layers, probe),
        best.rows(),
        best.attention());
  }

  @Override
  public long scratchBytes(DataType type, int in) {
    return kernel.scratchBytes(type, in);
  }

  @Override
  public void multiply(
      PackedMatrix w,
      MemorySegment x,
      long xOffset,
      int xStride,
      MemorySegment sums,
      long sumsOffset,
      int sumsStride,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch,
      TileScratch tiles) {
    tell(w);
    kernel.multiply(
        w,
        x,
        xOffset,
        xStride,
        sums,
        sumsOffset,
        sumsStride,
        rows,
        y,
        yOffset,
        yStride,
        fromTile,
        untilTile,
        scratch,
        tiles);
  }

  @Override
  public void round(
      MemorySegment x, long xOffset, int in, MemorySegment row, long at, MemorySegment scratch) {
    kernel.round(x, xOffset, in, row, at, scratch);
  }

  @Override
  public void multiplyRounded(
      PackedMatrix w,
      MemorySegment x,
      long xByte,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch,
      TileScratch tiles) {
    tell(w);
    kernel.multiplyRounded(
        w, x, xByte, rows, y, yOffset, yStride, fromTile, untilTile, scratch, tiles);
  }

  private void tell(PackedMatrix w) {
    int number;
    int all;
    synchronized (this) {
      List<MemorySegment> known =
          matrices.computeIfAbsent(w.data().scope(), _ -> new ArrayList<>());
      number = known.indexOf(w.data());
      if (number < 0) {
        known.add(w.data());
      }
      all = known.size();
    }
    if (number >= 0 && all > layers && (all - 1) % layers == 0) {
      int perLayer = (all - 1) / layers;
      probe.accept(number == all - 1 ? Mark.OUTPUT : Mark.layer(number / perLayer));
    }
  }
}
