package dev.serval.backend.cpu.kernel;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Operations on runs of F32 elements in native memory. Offsets and lengths count floats unless said
 * otherwise; an output may be the same run as an input, and overlaps none otherwise.
 *
 * <p>Sums over a run use 16 partial sums (element {@code i} enters sum {@code i mod 16}), added up
 * pairwise in a fixed order, so that every vector width gives the same bits. Thread-safe.
 */
public interface RowKernel {

  /** y = x / √(mean(x²) + eps) ⊙ w, n elements; without weight the factor is 1. */
  void rmsNorm(
      MemorySegment x,
      long xOffset,
      Optional<MemorySegment> weight,
      MemorySegment y,
      long yOffset,
      int n,
      float eps);

  /** y = (x − mean) / √(var + eps) ⊙ w + b, n elements; without bias b is 0. */
  void layerNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      Optional<MemorySegment> bias,
      MemorySegment y,
      long yOffset,
      int n,
      float eps);

  /**
   * Rotates the first nRot elements of each head of one row.
   *
   * @param cosSin nRot/2 cosines, then nRot/2 sines, of the row's position, magnitude included
   * @param neox pairs p and p + nRot/2; otherwise 2p and 2p + 1
   */
  void rope(
      MemorySegment x,
      long xOffset,
      MemorySegment y,
      long yOffset,
      int heads,
      int headDim,
      int nRot,
      boolean neox,
      MemorySegment cosSin,
      long cosSinOffset);

  /** y = exp(x − max) / Σ exp(x − max), n elements. */
  void softmax(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n);

  /** One number from n elements; the largest of elements with a NaN among them is NaN. */
  float reduce(ReduceKind kind, MemorySegment x, long xOffset, int n);

  /** Applies a function to n elements. */
  void unary(UnaryKind kind, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n);

  /** Combines n elements with n elements. */
  void binary(
      BinaryKind kind,
      MemorySegment a,
      long aOffset,
      MemorySegment b,
      long bOffset,
      MemorySegment y,
      long yOffset,
      int n);

  /** Combines n elements with one number on the right, or on the left if {@code swapped}. */
  void binaryScalar(
      BinaryKind kind,
      MemorySegment a,
      long aOffset,
      float b,
      boolean swapped,
      MemorySegment y,
      long yOffset,
      int n);

  /** y = min(max(x, low), high), n elements; NaN stays NaN. */
  void clamp(
      MemorySegment x, long xOffset, float low, float high, MemorySegment y, long yOffset, int n);

  /** y = gelu_tanh(gate) ⊙ up, n elements. */
  void geglu(
      MemorySegment gate,
      long gateOffset,
      MemorySegment up,
      long upOffset,
      MemorySegment y,
      long yOffset,
      int n);

  /** y = cap · tanh(x / cap), n elements. */
  void softCap(float cap, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n);

  /** y = y + factor · x by fused multiply-add, n elements. */
  void addScaled(float factor, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n);

  /**
   * Stores n elements in another type: F16 rounded to nearest even, blocks as {@link RowBlocks}.
   *
   * @param type F32, F16, Q8_0 or Q4_0; n a multiple of its block length
   * @param targetByte byte offset in {@code target}
   */
  void store(
      MemorySegment x, long xOffset, DataType type, MemorySegment target, long targetByte, int n);

  /**
   * Expands n stored elements to F32.
   *
   * @param type one of {@link Packing#types}; n a multiple of its block length
   * @param source bytes in the type's file layout, any alignment
   * @param sourceByte byte offset in {@code source}
   */
  void load(
      DataType type, MemorySegment source, long sourceByte, MemorySegment y, long yOffset, int n);
}
