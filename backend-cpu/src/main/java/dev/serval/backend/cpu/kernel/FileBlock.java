package dev.serval.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads the parts of a block in file layout (llama.cpp ggml-common.h) that differ from type to
 * type: the codes, and the small integers that scale groups of them. Stateless.
 */
abstract class FileBlock {

  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final long ONES = 0x0101010101010101L;

  /**
   * Eight codes, unsigned but for Q8_0.
   *
   * @param at byte of the block
   * @param i the codes are those of elements 8i to 8i + 7, the first in the lowest byte
   */
  abstract long eight(MemorySegment s, long at, int i);

  /**
   * A small integer: first the scales of the groups, then their minima.
   *
   * @param at byte of the block
   */
  int small(MemorySegment s, long at, int i) {
    throw new IllegalStateException("one scale for all codes");
  }

  static int half(MemorySegment s, long at) {
    return s.get(SHORT, at) & 0xffff;
  }

  private static int u8(MemorySegment s, long at, int offset) {
    return s.get(BYTE, at + offset) & 0xff;
  }

  private static long bytes(MemorySegment s, long at, int offset) {
    return s.get(LONG, at + offset);
  }

  /** Eight codes of 2 bits: four planes of 32 elements in 32 bytes, for each half of a block. */
  private static long twoBits(MemorySegment s, long quants, int i) {
    return (bytes(s, quants, (i >> 4) * 32 + (i & 3) * 8) >>> (((i >> 2) & 3) * 2)) & (3 * ONES);
  }

  /** Q8_0: signed bytes. */
  static final class Bytes extends FileBlock {
    @Override
    long eight(MemorySegment s, long at, int i) {
      return bytes(s, at, 2 + 8 * i);
    }
  }

  /** 32 codes of 4 bits: the first half of them in the low halves of 16 bytes. */
  static final class Nibbles extends FileBlock {
    private final int quants;

    Nibbles(int quants) {
      this.quants = quants;
    }

    @Override
    long eight(MemorySegment s, long at, int i) {
      return (bytes(s, at, quants + (i & 1) * 8) >>> ((i >> 1) * 4)) & (15 * ONES);
    }
  }

  /** Q5_0, Q5_1: 32 fifth bits, then as {@link Nibbles}. */
  static final class FiveBits extends FileBlock {
    private final int fifth;
    private final Nibbles low;

    FiveBits(int fifth) {
      this.fifth = fifth;
      this.low = new Nibbles(fifth + 4);
    }

    @Override
    long eight(MemorySegment s, long at, int i) {
      long high = u8(s, at, fifth + i);
      return low.eight(s, at, i) | (Long.expand(high, ONES) << 4);
    }
  }

  /** Q2_K: 16 bytes of scale and minimum, 64 of codes. */
  static final class Q2K extends FileBlock {
    @Override
    long eight(MemorySegment s, long at, int i) {
      return twoBits(s, at + 16, i);
    }

    @Override
    int small(MemorySegment s, long at, int i) {
      return (u8(s, at, i & 15) >> ((i >> 4) * 4)) & 15;
    }
  }

  /** Q3_K: 32 bytes of third bits, 64 of codes, 12 of scales. */
  static final class Q3K extends FileBlock {
    @Override
    long eight(MemorySegment s, long at, int i) {
      long high = (bytes(s, at, (i & 3) * 8) >>> (i >> 2)) & ONES;
      return twoBits(s, at + 32, i) | (high << 2);
    }

    @Override
    int small(MemorySegment s, long at, int i) {
      int low = (u8(s, at, 96 + (i & 7)) >> ((i >> 3) * 4)) & 15;
      int high = (u8(s, at, 104 + (i & 3)) >> ((i >> 2) * 2)) & 3;
      return (low | (high << 4)) - 32;
    }
  }

  /** Q4_K, Q5_K: 12 bytes of scales and minima, 32 of fifth bits if any, 128 of codes. */
  static final class Q45K extends FileBlock {
    private final boolean five;

    Q45K(boolean five) {
      this.five = five;
    }

    @Override
    long eight(MemorySegment s, long at, int i) {
      int shift = ((i >> 2) & 1) * 4;
      int quants = five ? 48 : 16;
      long low = (bytes(s, at, quants + (i >> 3) * 32 + (i & 3) * 8) >>> shift) & (15 * ONES);
      if (!five) {
        return low;
      }
      return low | (((bytes(s, at, 16 + (i & 3) * 8) >>> (i >> 2)) & ONES) << 4);
    }

    @Override
    int small(MemorySegment s, long at, int i) {
      int j = i & 7;
      int minimum = i >> 3;
      if (j < 4) {
        return u8(s, at, 4 + 4 * minimum + j) & 63;
      }
      int low = (u8(s, at, 8 + j) >> (4 * minimum)) & 15;
      return low | (u8(s, at, 4 * minimum + j) >> 6 << 4);
    }
  }

  /** Q6_K: 128 bytes of low halves, 64 of the bits above, 16 of signed scales. */
  static final class Q6K extends FileBlock {
    @Override
    long eight(MemorySegment s, long at, int i) {
      int low = (i >> 4) * 64 + (i & 7) * 8;
      int shift = ((i >> 3) & 1) * 4;
      return ((bytes(s, at, low) >>> shift) & (15 * ONES)) | (twoBits(s, at + 128, i) << 4);
    }

    @Override
    int small(MemorySegment s, long at, int i) {
      return s.get(BYTE, at + 192 + i);
    }
  }

  /** IQ4_XS: 2 and 4 bytes of scales, then groups as {@link Nibbles}. */
  static final class Iq4Xs extends FileBlock {
    @Override
    long eight(MemorySegment s, long at, int i) {
      int bytes = (i >> 2) * 16 + (i & 1) * 8;
      return (bytes(s, at, 8 + bytes) >>> (((i >> 1) & 1) * 4)) & (15 * ONES);
    }

    @Override
    int small(MemorySegment s, long at, int i) {
      int low = (u8(s, at, 4 + i / 2) >> ((i & 1) * 4)) & 15;
      int high = (half(s, at + 2) >> (2 * i)) & 3;
      return (low | (high << 4)) - 32;
    }
  }
}
