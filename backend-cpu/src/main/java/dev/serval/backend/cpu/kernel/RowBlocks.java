package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Rounds runs of F32 elements to blocks of 32 in file layout, with the bytes of llama.cpp's
 * reference quantizers (ggml-quants.c, {@code quantize_row_q8_0_ref} and {@code
 * quantize_row_q4_0_ref}). Codes come from the scale as it was before it was rounded to F16.
 *
 * <p>A block with an element that is not finite gets a scale that is not a number, so that all its
 * elements are none: nothing that went wrong before is hidden.
 *
 * <p>Scalar in either set of kernels: a token's row is stored once and read by every token after
 * it.
 */
final class RowBlocks {

  /** Elements per block. */
  private static final int LENGTH = 32;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort FILE_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final short NOT_A_NUMBER = (short) 0x7e00;

  private RowBlocks() {}

  /** See {@link RowKernel#store}; {@code from} counts floats. */
  static void store(
      MemorySegment x, long from, DataType type, MemorySegment target, long to, int n) {
    if (n % LENGTH != 0) {
      throw new IllegalArgumentException(n + " elements are no whole blocks of " + type);
    }
    for (int b = 0; b < n / LENGTH; b++) {
      long block = 4 * (from + (long) b * LENGTH);
      long at = to + (long) b * type.blockBytes();
      float largest = largest(x, block);
      if (!Float.isFinite(largest)) {
        target.asSlice(at, type.blockBytes()).fill((byte) 0);
        target.set(FILE_SHORT, at, NOT_A_NUMBER);
      } else if (type == DataType.Q8_0) {
        bytes(x, block, Math.abs(largest), target, at);
      } else {
        nibbles(x, block, largest, target, at);
      }
    }
  }

  /** The element of largest magnitude, the first of equal ones; not finite if one is not. */
  private static float largest(MemorySegment x, long at) {
    float largest = 0;
    for (long i = at; i < at + 4 * LENGTH; i += 4) {
      float v = x.get(FLOAT, i);
      // not "greater": a NaN is taken, and kept
      largest = Math.abs(v) <= Math.abs(largest) || Float.isNaN(largest) ? largest : v;
    }
    return largest;
  }

  /** Q8_0: the scale reaches 127, codes are rounded half away from zero. */
  private static void bytes(MemorySegment x, long from, float amax, MemorySegment s, long at) {
    float d = amax / 127;
    float inverse = d == 0 ? 0 : 1 / d;
    s.set(FILE_SHORT, at, (short) Halves.toHalf(d));
    for (int j = 0; j < LENGTH; j++) {
      float v = x.get(FLOAT, from + 4L * j) * inverse;
      int whole = (int) v;
      // exact, unlike adding a half before cutting
      float rest = v - whole;
      whole += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
      s.set(ValueLayout.JAVA_BYTE, at + 2 + j, (byte) whole);
    }
  }

  /** Q4_0: code 0 is the largest element, 8 is zero. */
  private static void nibbles(MemorySegment x, long from, float largest, MemorySegment s, long at) {
    float d = largest / -8;
    float inverse = d == 0 ? 0 : 1 / d;
    s.set(FILE_SHORT, at, (short) Halves.toHalf(d));
    for (int j = 0; j < LENGTH / 2; j++) {
      int low = nibble(x.get(FLOAT, from + 4L * j) * inverse);
      int high = nibble(x.get(FLOAT, from + 4L * (j + LENGTH / 2)) * inverse);
      s.set(ValueLayout.JAVA_BYTE, at + 2 + j, (byte) (low | high << 4));
    }
  }

  private static int nibble(float v) {
    return Math.min(15, (int) (v + 8.5f));
  }
}
