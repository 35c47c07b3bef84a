package dev.serval.api.tensor;

import java.util.Optional;

/**
 * How elements are stored. Quantized types store blocks of {@link #blockLength()} consecutive
 * elements in {@link #blockBytes()} bytes; plain types have blocks of one element.
 *
 * <p>Ids and block sizes are those of GGUF (llama.cpp {@code ggml.h}, {@code ggml_type}). A type
 * that is listed here can be named and sized; whether it can be computed with is a question to a
 * backend.
 */
public enum DataType {
  /** IEEE 754 binary32. */
  F32(0, 1, 4),
  /** IEEE 754 binary16. */
  F16(1, 1, 2),
  /** 4-bit quants, one F16 scale per 32. */
  Q4_0(2, 32, 18),
  /** 4-bit quants, F16 scale and minimum per 32. */
  Q4_1(3, 32, 20),
  /** 5-bit quants, one F16 scale per 32. */
  Q5_0(6, 32, 22),
  /** 5-bit quants, F16 scale and minimum per 32. */
  Q5_1(7, 32, 24),
  /** 8-bit quants, one F16 scale per 32. */
  Q8_0(8, 32, 34),
  /** 8-bit activations with scale and sum per 32. */
  Q8_1(9, 32, 36),
  /** 2-bit quants in super-blocks of 256. */
  Q2_K(10, 256, 84),
  /** 3-bit quants in super-blocks of 256. */
  Q3_K(11, 256, 110),
  /** 4-bit quants in super-blocks of 256. */
  Q4_K(12, 256, 144),
  /** 5-bit quants in super-blocks of 256. */
  Q5_K(13, 256, 176),
  /** 6-bit quants in super-blocks of 256. */
  Q6_K(14, 256, 210),
  /** 8-bit activations in super-blocks of 256. */
  Q8_K(15, 256, 292),
  /** 2-bit codebook quants, extra small. */
  IQ2_XXS(16, 256, 66),
  /** 2-bit codebook quants, small scales. */
  IQ2_XS(17, 256, 74),
  /** 3-bit codebook quants, extra small. */
  IQ3_XXS(18, 256, 98),
  /** 1-bit codebook quants. */
  IQ1_S(19, 256, 50),
  /** 4-bit non-linear quants, one F16 scale per 32. */
  IQ4_NL(20, 32, 18),
  /** 3-bit codebook quants. */
  IQ3_S(21, 256, 110),
  /** 2-bit codebook quants. */
  IQ2_S(22, 256, 82),
  /** 4-bit non-linear quants in super-blocks of 256. */
  IQ4_XS(23, 256, 136),
  /** Signed 8-bit integer. */
  I8(24, 1, 1),
  /** Signed 16-bit integer. */
  I16(25, 1, 2),
  /** Signed 32-bit integer. */
  I32(26, 1, 4),
  /** Signed 64-bit integer. */
  I64(27, 1, 8),
  /** IEEE 754 binary64. */
  F64(28, 1, 8),
  /** 1-bit codebook quants, medium. */
  IQ1_M(29, 256, 56),
  /** Upper half of an IEEE 754 binary32. */
  BF16(30, 1, 2),
  /** Ternary quants, 1.6875 bits. */
  TQ1_0(34, 256, 54),
  /** Ternary quants, 2.0625 bits. */
  TQ2_0(35, 256, 66),
  /** OCP microscaling 4-bit floats, one E8M0 scale per 32. */
  MXFP4(39, 32, 17),
  /** 4-bit floats with FP8 scales per 16. */
  NVFP4(40, 64, 36),
  /** 1-bit quants. */
  Q1_0(41, 128, 18),
  /** 2-bit quants. */
  Q2_0(42, 64, 18);

  private static final DataType[] ALL = values();

  private final int id;
  private final int blockLength;
  private final int blockBytes;

  DataType(int id, int blockLength, int blockBytes) {
    this.id = id;
    this.blockLength = blockLength;
    this.blockBytes = blockBytes;
  }

  /** The type's id in a GGUF file. */
  public int id() {
    return id;
  }

  /** Elements per block. */
  public int blockLength() {
    return blockLength;
  }

  /** Bytes per block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether several elements share a scale. */
  public boolean isQuantized() {
    return blockLength > 1;
  }

  /**
   * Bytes of {@code elements} consecutive elements.
   *
   * @param elements a multiple of {@link #blockLength()}, not negative
   * @throws IllegalArgumentException if it is not
   * @throws ArithmeticException if the result exceeds a {@code long}
   */
  public long bytes(long elements) {
    if (elements < 0 || elements % blockLength != 0) {
      throw new IllegalArgumentException(
          "elements must be a multiple of " + blockLength + " for " + this + ": " + elements);
    }
    return Math.multiplyExact(elements / blockLength, (long) blockBytes);
  }

  /**
   * The type with a GGUF id.
   *
   * @return the type, or empty if the id is removed or unknown
   */
  public static Optional<DataType> ofId(int id) {
    for (DataType type : ALL) {
      if (type.id == id) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
