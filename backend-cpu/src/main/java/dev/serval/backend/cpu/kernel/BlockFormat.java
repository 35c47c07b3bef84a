package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;

import dev.serval.api.tensor.DataType;
import dev.serval.backend.cpu.kernel.BlockHead.Kind;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.Map;

/**
 * A block type, in the file and in a tile. A tile consists of units, as long as the type's blocks
 * (two of them for MXFP4): the {@link BlockHead} with what scales the codes, then the {@link
 * Codes}, 32 inputs after 32.
 *
 * <p>A weight is scale · code, or scale · code − minimum with unsigned codes. In tiles all codes
 * are signed, so that what remains to be added per input, the <i>start</i>, is middle · scale −
 * minimum.
 */
@SuppressWarnings("ImmutableEnumChecker") // heads and file blocks hold final numbers only
enum BlockFormat {
  Q8_0(DataType.Q8_0, Codes.BIASED_8, 32, BlockHead.half(), new FileBlock.Bytes()),
  Q4_0(DataType.Q4_0, Codes.SIGNED_4, 32, BlockHead.half(), new FileBlock.Nibbles(2)),
  Q4_1(DataType.Q4_1, Codes.SIGNED_4, 32, BlockHead.twoHalves(), new FileBlock.Nibbles(4)),
  Q5_0(DataType.Q5_0, Codes.SIGNED_5, 32, BlockHead.half(), new FileBlock.FiveBits(2)),
  Q5_1(DataType.Q5_1, Codes.SIGNED_5, 32, BlockHead.twoHalves(), new FileBlock.FiveBits(4)),
  IQ4_NL(DataType.IQ4_NL, Codes.NON_LINEAR, 32, BlockHead.half(), new FileBlock.Nibbles(2)),
  MXFP4(DataType.MXFP4, Codes.E2M1, 32, BlockHead.exponents(), new FileBlock.Nibbles(1)),
  Q2_K(
      DataType.Q2_K,
      Codes.SIGNED_2,
      16,
      BlockHead.pairs(80, Codes.SIGNED_4, 32),
      new FileBlock.Q2K()),
  Q3_K(
      DataType.Q3_K,
      Codes.SIGNED_3,
      16,
      BlockHead.scales(108, Codes.SIGNED_6, 16),
      new FileBlock.Q3K()),
  Q4_K(
      DataType.Q4_K,
      Codes.SIGNED_4,
      32,
      BlockHead.pairs(0, Codes.SIGNED_6, 16),
      new FileBlock.Q45K(false)),
  Q5_K(
      DataType.Q5_K,
      Codes.SIGNED_5,
      32,
      BlockHead.pairs(0, Codes.SIGNED_6, 16),
      new FileBlock.Q45K(true)),
  Q6_K(
      DataType.Q6_K,
      Codes.SIGNED_6,
      16,
      BlockHead.scales(208, Codes.SIGNED_8, 16),
      new FileBlock.Q6K()),
  IQ4_XS(
      DataType.IQ4_XS,
      Codes.NON_LINEAR,
      32,
      BlockHead.scales(0, Codes.SIGNED_8, 8),
      new FileBlock.Iq4Xs());

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private static final Map<DataType, BlockFormat> BY_TYPE = new EnumMap<>(DataType.class);

  static {
    for (BlockFormat f : values()) {
      BY_TYPE.put(f.type, f);
    }
  }

  private final DataType type;
  private final Codes codes;
  private final int group;
  private final BlockHead head;
  private final FileBlock file;
  private final int unitShift;
  private final int unitBytes;

  BlockFormat(DataType type, Codes codes, int group, BlockHead head, FileBlock file) {
    this.type = type;
    this.codes = codes;
    this.group = group;
    this.head = head;
    this.file = file;
    int blocks = head.kind() == Kind.EXPONENTS ? 2 : type.blockLength() / BLOCK;
    this.unitShift = Integer.numberOfTrailingZeros(blocks);
    this.unitBytes = head.bytes() + blocks * codes.bits() * WORD_ROW;
  }

  /** Whether a type is a block type that can be packed. */
  static boolean has(DataType type) {
    return BY_TYPE.containsKey(type);
  }

  /**
   * The format of a type.
   *
   * @throws IllegalArgumentException if the type is none of these
   */
  static BlockFormat of(DataType type) {
    BlockFormat format = BY_TYPE.get(type);
    if (format == null) {
      throw new IllegalArgumentException("not a known block type: " + type);
    }
    return format;
  }

  /** The type. */
  DataType type() {
    return type;
  }

  /** How codes are stored. */
  Codes codes() {
    return codes;
  }

  /** Inputs that share a scale, 16 or 32. */
  int group() {
    return group;
  }

  /** What scales the codes. */
  BlockHead head() {
    return head;
  }

  /** What the code 0 of a tile stands for. */
  int middle() {
    return codes.middle();
  }

  /** Whether weights have a minimum, so that products need sums of activations. */
  boolean hasMinima() {
    return head.hasMinima();
  }

  /** Bytes of a tile of rows of {@code in} inputs. */
  long tileBytes(int in) {
    int blocks = in / BLOCK;
    int tail = blocks & ((1 << unitShift) - 1);
    long whole = (long) (blocks >> unitShift) * unitBytes;
    return tail == 0 ? whole : whole + head.bytes() + (long) tail * codes.bits() * WORD_ROW;
  }

  /** Bytes from the start of a tile to the first word of a block of 32 inputs. */
  long wordsOf(int block) {
    int inUnit = block & ((1 << unitShift) - 1);
    return headOf(block) + head.bytes() + (long) inUnit * codes.bits() * WORD_ROW;
  }

  /** Bytes from the start of a tile to the head of the unit that a block of 32 inputs is in. */
  long headOf(int block) {
    return (long) (block >> unitShift) * unitBytes;
  }

  /** Bytes of a unit of a tile. */
  int unitBytes() {
    return unitBytes;
  }

  /** Groups of a unit. */
  int groupsPerUnit() {
    return (BLOCK << unitShift) / group;
  }

  /**
   * Packs one row.
   *
   * @param in elements
   * @param from byte of the row in the file
   * @param tile byte of the tile
   * @param lane row of the tile
   */
  void packRow(int in, MemorySegment source, long from, MemorySegment target, long tile, int lane) {
    long[] eights = new long[BLOCK / 8];
    long flip = middle() * 0x0101010101010101L;
    long at = from;
    for (int first = 0; first < in / BLOCK; first += type.blockLength() / BLOCK) {
      head.pack(file, source, at, target, tile + headOf(first), first, lane);
      for (int part = 0; part < type.blockLength() / BLOCK; part++) {
        for (int i = 0; i < eights.length; i++) {
          eights[i] = file.eight(source, at, part * eights.length + i) ^ flip;
        }
        codes.pack(eights, BLOCK, target, tile + wordsOf(first + part) + 4L * lane);
      }
      at += type.blockBytes();
    }
  }

  /**
   * Expands one block of the file to F32 in the order of operations of its definition.
   *
   * @param at byte of the block
   * @param to byte of the first float
   */
  void expand(MemorySegment s, long at, MemorySegment y, long to) {
    int middle = hasMinima() ? 0 : middle();
    for (int first = 0; first < type.blockLength(); first += group) {
      float scale = head.fileScale(file, s, at, first / group);
      float minimum = hasMinima() ? head.fileMinimum(file, s, at, first / group) : 0;
      for (int i = first; i < first + group; i += 8) {
        long eight = file.eight(s, at, i / 8);
        for (int j = 0; j < 8; j++) {
          float v = scale * codes.value((byte) (eight >>> (8 * j)), middle);
          y.set(FLOAT, to + 4L * (i + j), hasMinima() ? v - minimum : v);
        }
      }
    }
  }

  /** The scale of a group of a row of a tile. */
  float scale(MemorySegment w, long tile, int groupInRow, int lane) {
    long at = tile + headOf(groupInRow * group / BLOCK);
    return head.scale(w, at, groupInRow % groupsPerUnit(), lane);
  }

  /**
   * What products multiply a group's sum with: its scale divided by the unit of the codes. Alone in
   * its block, a scale that is NaN counts as infinite: that is heard as well and costs less.
   */
  float productScale(MemorySegment w, long tile, int groupInRow, int lane) {
    float scale = scale(w, tile, groupInRow, lane);
    if (head.kind() == Kind.HALF && Float.isNaN(scale)) {
      int sign = Float.floatToRawIntBits(scale) & 0x80000000;
      return Float.intBitsToFloat(sign | Halves.INFINITY);
    }
    return scale / codes.unit();
  }

  /**
   * What is added to a group's sum of codes times scales, per unit of its sum of activations:
   * middle · scale − minimum, rounded once.
   */
  float start(MemorySegment w, long tile, int groupInRow, int lane) {
    long at = tile + headOf(groupInRow * group / BLOCK);
    int g = groupInRow % groupsPerUnit();
    return Math.fma(middle(), head.scale(w, at, g, lane), -head.minimum(w, at, g, lane));
  }

  /** What products read the code of an input of a tile as. */
  float read(MemorySegment w, long tile, int input, int lane) {
    return Math.fma(codes.unit(), code(w, tile, input, lane), codes.centre());
  }

  /** The code of an input of a tile. */
  int code(MemorySegment w, long tile, int input, int lane) {
    return codes.get(w, tile + wordsOf(input / BLOCK) + 4L * lane, input % BLOCK);
  }
}
