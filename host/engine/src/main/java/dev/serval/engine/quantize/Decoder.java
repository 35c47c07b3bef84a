package dev.serval.engine.quantize;

import dev.serval.api.tensor.DataType;
import java.util.Optional;

/**
 * Expands values of one element type to F32, exactly (llama.cpp {@code ggml-quants.c}, {@code
 * dequantize_row_*}). Without state.
 */
@FunctionalInterface
interface Decoder {

  /**
   * Expands values.
   *
   * @param bytes read from the first on
   * @param target written from the first value on
   * @param n values to expand, whole blocks
   */
  void decode(byte[] bytes, float[] target, int n);

  /** The decoder for a type, or empty if there is none. */
  static Optional<Decoder> of(DataType type) {
    return switch (type) {
      case F32 -> Optional.of(Decoders::f32);
      case F16 -> Optional.of(Decoders::f16);
      case BF16 -> Optional.of(Decoders::bf16);
      case Q8_0 -> Optional.of(Decoders::q8);
      case Q4_0 -> Optional.of(Decoders::q4);
      case Q4_1 -> Optional.of(Decoders::q41);
      case Q5_0 -> Optional.of(Decoders::q5);
      case Q5_1 -> Optional.of(Decoders::q51);
      case IQ4_NL -> Optional.of(Decoders::iq4nl);
      case MXFP4 -> Optional.of(Decoders::mxfp4);
      case Q2_K -> Optional.of(SuperBlockDecoders::q2k);
      case Q3_K -> Optional.of(SuperBlockDecoders::q3k);
      case Q4_K -> Optional.of(SuperBlockDecoders::q4k);
      case Q5_K -> Optional.of(SuperBlockDecoders::q5k);
      case Q6_K -> Optional.of(SuperBlockDecoders::q6k);
      case IQ4_XS -> Optional.of(SuperBlockDecoders::iq4xs);
      default -> Optional.empty();
    };
  }
}
