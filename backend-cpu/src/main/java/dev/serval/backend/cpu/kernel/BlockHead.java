package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Packing.SCALES;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What scales the codes of a unit, in the file and at the start of a unit of a tile: one or two
 * planes of F16, or the exponents of two blocks, then the small integers as {@link Codes}.
 *
 * <p>A plane has 16 words of F16: word i holds that of row i in its lower and of row i + 16 in its
 * upper half. Exponents are 16 words of bytes: from the lowest, row i and row i + 16 of the even
 * block, then of the odd one.
 *
 * @param kind what there is
 * @param fileScale byte of the first F16 in a block of the file; a second one follows it
 * @param small how the small integers are stored; those that are not signed are stored less half
 *     their range
 * @param count number of small integers
 */
record BlockHead(Kind kind, int fileScale, Codes small, int count) {

  /** What a head consists of. */
  enum Kind {
    /** One F16 scale. */
    HALF,
    /** F16 scale, and an F16 that is added to each weight. */
    TWO_HALVES,
    /** The exponents of two blocks. */
    EXPONENTS,
    /** F16 scale, small signed integers that it scales. */
    SCALES,
    /** F16 scale, F16 scale of minima, small integers: scales, then as many minima. */
    PAIRS
  }

  private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
  private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  /** One scale for all codes, at the start of the block. */
  static BlockHead half() {
    return new BlockHead(Kind.HALF, 0, Codes.SIGNED_8, 0);
  }

  /** Scale and what is added, at the start of the block. */
  static BlockHead twoHalves() {
    return new BlockHead(Kind.TWO_HALVES, 0, Codes.SIGNED_8, 0);
  }

  /** An exponent at the start of the block. */
  static BlockHead exponents() {
    return new BlockHead(Kind.EXPONENTS, 0, Codes.SIGNED_8, 0);
  }

  /** A scale of {@code count} signed scales. */
  static BlockHead scales(int fileScale, Codes small, int count) {
    return new BlockHead(Kind.SCALES, fileScale, small, count);
  }

  /** Two scales of {@code count} scales and minima. */
  static BlockHead pairs(int fileScale, Codes small, int count) {
    return new BlockHead(Kind.PAIRS, fileScale, small, count);
  }

  /** Whether weights have a minimum. */
  boolean hasMinima() {
    return kind == Kind.TWO_HALVES || kind == Kind.PAIRS;
  }

  /** Bytes in front of the small integers. */
  int planeBytes() {
    return hasMinima() ? 2 * SCALES : SCALES;
  }

  /** Bytes of the head in a tile. */
  int bytes() {
    return planeBytes() + small.words(count) * WORD_ROW;
  }

  /** What is added to a stored small integer. */
  int bias() {
    return kind == Kind.PAIRS ? small.middle() : 0;
  }

  /** The scale of a group of a block of the file at byte {@code at}. */
  float fileScale(FileBlock file, MemorySegment s, long at, int group) {
    return switch (kind) {
      case EXPONENTS -> Halves.mxScale(s.get(ValueLayout.JAVA_BYTE, at) & 0xff);
      case HALF, TWO_HALVES -> Halves.fromHalf(FileBlock.half(s, at));
      case SCALES, PAIRS ->
          Halves.fromHalf(FileBlock.half(s, at + fileScale)) * file.small(s, at, group);
    };
  }

  /** What is subtracted from each weight of a group of a block of the file. */
  float fileMinimum(FileBlock file, MemorySegment s, long at, int group) {
    float second = Halves.fromHalf(FileBlock.half(s, at + fileScale + 2));
    return kind == Kind.PAIRS ? second * file.small(s, at, count / 2 + group) : -second;
  }

  /**
   * Stores the head of a block of the file for one row.
   *
   * @param at byte of the block
   * @param to byte of the head
   * @param block index of the block in its row
   */
  void pack(
      FileBlock file,
      MemorySegment s,
      long at,
      MemorySegment target,
      long to,
      int block,
      int lane) {
    if (kind == Kind.EXPONENTS) {
      int place = (block & 1) * 2 + (lane >> 4);
      long exponent = to + (lane & 15) * 4L + (LITTLE ? place : 3 - place);
      target.set(ValueLayout.JAVA_BYTE, exponent, s.get(ValueLayout.JAVA_BYTE, at));
      return;
    }
    for (int plane = 0; plane < planeBytes() / SCALES; plane++) {
      short half = (short) FileBlock.half(s, at + fileScale + 2L * plane);
      target.set(ValueLayout.JAVA_SHORT_UNALIGNED, to + (long) plane * SCALES + halfOf(lane), half);
    }
    if (count > 0) {
      long[] codes = new long[(count + 7) / 8];
      for (int i = 0; i < count; i++) {
        codes[i >> 3] |= ((file.small(s, at, i) - bias()) & 0xffL) << (8 * (i & 7));
      }
      small.pack(codes, count, target, to + planeBytes() + 4L * lane);
    }
  }

  /** Byte of a row's F16 in a plane. */
  private static int halfOf(int lane) {
    int half = lane >> 4;
    return (lane & 15) * 4 + (LITTLE ? half : 1 - half) * 2;
  }

  /**
   * The scale of a group in a tile.
   *
   * @param at byte of the head
   * @param group group of the unit
   * @param lane row of the tile
   */
  float scale(MemorySegment w, long at, int group, int lane) {
    int word = w.get(WORD, at + 4L * (lane & 15));
    return switch (kind) {
      case EXPONENTS -> Halves.mxScale((word >>> (16 * group + 8 * (lane >> 4))) & 0xff);
      case HALF, TWO_HALVES -> Halves.fromHalf((word >>> (16 * (lane >> 4))) & 0xffff);
      case SCALES, PAIRS ->
          Halves.fromHalf((word >>> (16 * (lane >> 4))) & 0xffff) * smallOf(w, at, group, lane);
    };
  }

  /** What is subtracted from each weight of a group in a tile. */
  float minimum(MemorySegment w, long at, int group, int lane) {
    int word = w.get(WORD, at + SCALES + 4L * (lane & 15));
    float second = Halves.fromHalf((word >>> (16 * (lane >> 4))) & 0xffff);
    return kind == Kind.PAIRS ? second * smallOf(w, at, count / 2 + group, lane) : -second;
  }

  private int smallOf(MemorySegment w, long at, int i, int lane) {
    return small.get(w, at + planeBytes() + 4L * lane, i) + bias();
  }
}
