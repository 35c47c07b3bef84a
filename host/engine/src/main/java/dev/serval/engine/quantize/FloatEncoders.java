package dev.serval.engine.quantize;

/** {@link Encoder}s of plain types. */
final class FloatEncoders {

  /** Bits of the exponent of a half; all of them set is infinity or NaN. */
  private static final int F16_EXPONENT = 0x7C00;

  /** The same of a BF16. */
  private static final int BF16_EXPONENT = 0x7F80;

  private FloatEncoders() {}

  static int f32(float[] values, int n, byte[] target) {
    for (int i = 0; i < n; i++) {
      LittleEndian.putInt32(target, 4 * i, Float.floatToRawIntBits(values[i]));
    }
    return Encoder.FITS;
  }

  /** Rounds to the nearest half, ties to even. */
  static int f16(float[] values, int n, byte[] target) {
    for (int i = 0; i < n; i++) {
      short half = Float.floatToFloat16(values[i]);
      if ((half & F16_EXPONENT) == F16_EXPONENT) {
        return i;
      }
      LittleEndian.putInt16(target, 2 * i, half);
    }
    return Encoder.FITS;
  }

  /** Rounds to the nearest upper half of a binary32, ties to even (ggml_compute_fp32_to_bf16). */
  static int bf16(float[] values, int n, byte[] target) {
    for (int i = 0; i < n; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      int upper = (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16;
      if ((upper & BF16_EXPONENT) == BF16_EXPONENT) {
        return i;
      }
      LittleEndian.putInt16(target, 2 * i, (short) upper);
    }
    return Encoder.FITS;
  }
}
