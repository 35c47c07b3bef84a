package dev.serval.backend.cpu;

import dev.serval.api.attention.RopeSpec;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.kernel.KernelSet;
import dev.serval.backend.cpu.kernel.PackedMatrix;
import dev.serval.backend.cpu.kernel.Packing;
import dev.serval.backend.cpu.layout.WeightLayout;
import dev.serval.backend.cpu.layout.WeightLayout.Tiled;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The weights of a graph, ready for the kernels: matrices in tiles and vectors in F32 in one leased
 * buffer, tables where they lie in the model file. Immutable once filled; owned by the {@link
 * PlacementTable}.
 */
final class PlacedWeights implements AutoCloseable {

  /** Tiles packed per item of the team's work. */
  private static final int TILES_PER_ITEM = 16;

  private final Weights source;
  private final WeightLayout layout;
  private final Leases leases;
  private final MemorySegment memory;

  /** Leases the buffer; the weights are not there yet. */
  PlacedWeights(Weights source, WeightLayout layout, CompileSpec.Resources resources) {
    this.source = source;
    this.layout = layout;
    this.leases = new Leases(resources);
    this.memory = leases.lease(layout.bytes(), "weights");
  }

  /** Fills the buffer, tensor by tensor, so that steps of other programs come in between. */
  void fill(CpuDevice device) {
    for (Tiled t : layout.tiled().values()) {
      int tiles = (t.out() + PackedMatrix.TILE_ROWS - 1) / PackedMatrix.TILE_ROWS;
      int itemsPerMatrix = (tiles + TILES_PER_ITEM - 1) / TILES_PER_ITEM;
      for (int matrix = 0; matrix < t.matrices(); matrix++) {
        int m = matrix;
        device.call(team -> team.run((_, item) -> pack(t, m, item, tiles), itemsPerMatrix));
      }
    }
    layout.vectors().forEach((view, offset) -> expand(device.kernels(), view, offset));
  }

  private void pack(Tiled t, int matrix, int item, int tiles) {
    Packing.pack(
        source,
        t.view(),
        (long) matrix * t.out(),
        t.out(),
        item * TILES_PER_ITEM,
        Math.min(tiles, (item + 1) * TILES_PER_ITEM),
        memory,
        t.offset() + matrix * t.matrixBytes());
  }

  private void expand(KernelSet kernels, TensorView view, long offset) {
    int n = Math.toIntExact(view.shape().ne0());
    for (long row = 0; row < view.shape().rows(); row++) {
      MemorySegment data = source.row(view, row);
      kernels.rows().load(view.type(), data, 0, memory, offset / 4 + row * n, n);
    }
  }

  /** The buffer. */
  MemorySegment memory() {
    return memory;
  }

  /** The matrices of a weight, one per expert. */
  List<PackedMatrix> matrices(TensorView view) {
    Tiled t = layout.tiled(view);
    long bytes = PackedMatrix.bytes(t.view().type(), t.in(), t.out());
    List<PackedMatrix> all = new ArrayList<>();
    for (int i = 0; i < t.matrices(); i++) {
      MemorySegment data = memory.asSlice(t.offset() + i * t.matrixBytes(), bytes);
      all.add(new PackedMatrix(t.view().type(), t.in(), t.out(), data));
    }
    return all;
  }

  /** A weight expanded to F32, row after row. */
  MemorySegment vector(TensorView view) {
    return memory.asSlice(layout.vectorOffset(view), 4 * view.shape().elements());
  }

  /** Radians per position of each pair, frequency factors included. */
  double[] inverseFrequencies(RopeSpec spec) {
    double[] frequencies = spec.inverseFrequencies();
    if (spec.frequencyFactors().isPresent()) {
      MemorySegment factors = vector(spec.frequencyFactors().get());
      for (int p = 0; p < frequencies.length; p++) {
        frequencies[p] /= factors.getAtIndex(ValueLayout.JAVA_FLOAT, p);
      }
    }
    return frequencies;
  }

  /** The tensor behind a weight in file layout. */
  MemorySegment data(TensorView view) {
    return source.data(view.source());
  }

  /** Bytes leased, tier rounding included. */
  long leasedBytes() {
    return layout.bytes() == 0 ? 0 : BufferPool.leasedBytes(layout.bytes());
  }

  /** What was done, for reports. */
  List<String> notes() {
    List<String> notes = new ArrayList<>();
    if (!layout.tiled().isEmpty()) {
      notes.add(layout.tiled().size() + " matrices re-laid in tiles of " + PackedMatrix.TILE_ROWS);
    }
    if (!layout.vectors().isEmpty()) {
      notes.add(layout.vectors().size() + " vectors expanded to F32");
    }
    for (TensorView t : layout.tables()) {
      notes.add(t + " read in place");
    }
    return notes;
  }

  @Override
  public void close() {
    leases.close();
  }
}
