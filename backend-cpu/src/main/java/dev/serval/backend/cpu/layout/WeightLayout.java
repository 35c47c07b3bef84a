package dev.serval.backend.cpu.layout;

import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.LayoutOp;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.Op;
import dev.serval.api.graph.Primitive;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Reduction;
import dev.serval.api.memory.Alignment;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.kernel.PackedMatrix;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Where the weights of a graph lie once they are placed: matrices re-laid in tiles and vectors
 * expanded to F32 in one buffer, tables that are only read by row in the model file. Pure.
 */
public final class WeightLayout {

  /** Start of every weight in the buffer: a cache line, and the widest vector. */
  public static final long ALIGNMENT_BYTES = Alignment.CPU_BYTES;

  /**
   * A stack of matrices in tiles.
   *
   * @param view the weight, [in, out, matrices]
   * @param offset bytes before matrix 0
   * @param in inputs
   * @param out outputs
   * @param matrices experts; 1 for a plain matrix
   */
  public record Tiled(TensorView view, long offset, int in, int out, int matrices) {

    /** Bytes from matrix to matrix. */
    public long matrixBytes() {
      return aligned(PackedMatrix.bytes(view.type(), in, out));
    }
  }

  private final Map<TensorView, Tiled> tiled = new LinkedHashMap<>();
  private final Map<TensorView, Long> vectors = new LinkedHashMap<>();
  private final Set<TensorView> tables = new LinkedHashSet<>();
  private long bytes;

  /** The layout for a lowered graph. */
  public WeightLayout(Graph lowered) {
    for (Node n : lowered.nodes()) {
      add(n.op());
    }
  }

  private void add(Op op) {
    if (!(op instanceof Primitive p)) {
      return;
    }
    switch (p) {
      case Projection.MatMul m -> {
        tile(m.weight());
        m.bias().ifPresent(this::vector);
      }
      case Projection.ExpertMatMul m -> {
        tile(m.weight());
        m.bias().ifPresent(this::vector);
      }
      case Projection.Rows r -> tables.add(key(r.table()));
      case Projection.Constant _,
          Projection.BatchMatMul _,
          Reduction _,
          AttentionOp _,
          Elementwise _,
          LayoutOp _ ->
          p.weights().forEach(this::vector);
    }
  }

  private void tile(TensorView view) {
    TensorView key = key(view);
    if (!tiled.containsKey(key)) {
      Tiled t =
          new Tiled(
              key,
              bytes,
              Math.toIntExact(view.shape().ne0()),
              Math.toIntExact(view.shape().ne1()),
              Math.toIntExact(view.shape().ne2()));
      tiled.put(key, t);
      bytes = Math.addExact(bytes, Math.multiplyExact(t.matrixBytes(), (long) t.matrices()));
    }
  }

  private void vector(TensorView view) {
    TensorView key = key(view);
    if (!vectors.containsKey(key)) {
      vectors.put(key, bytes);
      bytes = Math.addExact(bytes, aligned(Math.multiplyExact(view.shape().elements(), 4L)));
    }
  }

  /** The view under its tensor's name: models may call the same rows differently. */
  public static TensorView key(TensorView view) {
    return view.named(view.source().name());
  }

  private static long aligned(long n) {
    return Alignment.up(n, ALIGNMENT_BYTES);
  }

  /** Matrices to re-lay, by {@link #key}. */
  public Map<TensorView, Tiled> tiled() {
    return tiled;
  }

  /** Byte offsets of weights expanded to F32, by {@link #key}. */
  public Map<TensorView, Long> vectors() {
    return vectors;
  }

  /** Byte offset of a weight expanded to F32. */
  public long vectorOffset(TensorView view) {
    Long offset = vectors.get(key(view));
    if (offset == null) {
      throw new IllegalArgumentException("not expanded to F32: " + view);
    }
    return offset;
  }

  /** The tiles of a matrix. */
  public Tiled tiled(TensorView view) {
    Tiled t = tiled.get(key(view));
    if (t == null) {
      throw new IllegalArgumentException("not in tiles: " + view);
    }
    return t;
  }

  /** Weights read in place. */
  public Set<TensorView> tables() {
    return tables;
  }

  /** Bytes of the buffer. */
  public long bytes() {
    return bytes;
  }
}
