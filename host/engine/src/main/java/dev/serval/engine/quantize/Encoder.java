package dev.serval.engine.quantize;

import dev.serval.api.tensor.DataType;
import java.util.Optional;

/**
 * Writes F32 values in one element type, byte for byte as the reference procedures of llama.cpp
 * ({@code ggml-quants.c}, {@code quantize_row_*_ref}). All arithmetic is binary32 in the order
 * written, without fused multiply-add. Without state.
 */
@FunctionalInterface
interface Encoder {

  /** What {@link #encode} returns if everything fits. */
  int FITS = -1;

  /**
   * Encodes values.
   *
   * @param values finite
   * @param n values to encode, from the first on; whole blocks
   * @param target written from its first byte on, little-endian
   * @return {@link #FITS}, or the index of a value that is too large for the type
   */
  int encode(float[] values, int n, byte[] target);

  /** The encoder for a type, or empty if there is none. */
  static Optional<Encoder> of(DataType type) {
    return switch (type) {
      case F32 -> Optional.of(FloatEncoders::f32);
      case F16 -> Optional.of(FloatEncoders::f16);
      case BF16 -> Optional.of(FloatEncoders::bf16);
      case Q8_0 -> Optional.of(BlockEncoders::q8);
      case Q4_0 -> Optional.of(BlockEncoders::q4);
      case MXFP4 -> Optional.of(BlockEncoders::mxfp4);
      default -> Optional.empty();
    };
  }
}
