package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Probe blocks whose expanded values were summed up by an independent decoder (gguf-py). */
class RowLoadTest {

  private static final ValueLayout.OfShort FILE_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final KernelSet[] SETS = {KernelSets.scalar(), KernelSets.vector()};

  private static String checksum(KernelSet set, DataType type, int scale, int minimum) {
    try (Arena arena = Arena.ofConfined()) {
      int shift = 1; // not aligned, as in a file
      MemorySegment block = arena.allocate(type.blockBytes() + shift);
      for (int i = 0; i < type.blockBytes(); i++) {
        block.set(ValueLayout.JAVA_BYTE, i + shift, (byte) (37 * i + 11));
      }
      if (type == DataType.MXFP4) {
        block.set(ValueLayout.JAVA_BYTE, shift, (byte) scale);
      } else {
        int half = scale;
        for (int at : Samples.halves(type)) {
          block.set(FILE_SHORT, at + shift, (short) half);
          half = minimum;
        }
      }
      MemorySegment y = arena.allocate(4L * type.blockLength());
      set.rows().load(type, block, shift, y, 0, type.blockLength());
      ByteBuffer bytes = ByteBuffer.allocate(4 * type.blockLength()).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < type.blockLength(); i++) {
        bytes.putFloat(y.get(Samples.FLOAT, 4L * i));
      }
      CRC32 crc = new CRC32();
      crc.update(bytes.array());
      return HexFormat.of().toHexDigits((int) crc.getValue());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "Q4_0, 4a5055fd, 715819e6",
    "Q4_1, cfc74bef, 83b61b39",
    "Q5_0, 79815bb9, 85b00d8f",
    "Q5_1, 7cf668d2, c3a91027",
    "Q8_0, 7e733bfa, bf8a965e",
    "Q2_K, 8d2c6be8, 9e6a25af",
    "Q3_K, c1029dac, 1f050013",
    "Q4_K, 5c4c0a49, 59ee66b6",
    "Q5_K, 0e9ce32f, 1990c248",
    "Q6_K, a84ce1f7, bd21c259",
    "IQ4_NL, 27bc646e, 765f23cd",
    "IQ4_XS, 59b1032b, 4ddaa342"
  })
  void expandsProbeBlocksBitForBit(DataType type, String crcA, String crcB) {
    for (KernelSet set : SETS) {
      assertEquals(crcA, checksum(set, type, 0x3c00, 0x3800));
      assertEquals(crcB, checksum(set, type, 0x211f, 0x1d0c));
    }
  }

  @Test
  void expandsProbeBlocksOfMxfp4BitForBit() {
    for (KernelSet set : SETS) {
      assertEquals("a8bddec7", checksum(set, DataType.MXFP4, 0x7f, 0));
      assertEquals("191b8a41", checksum(set, DataType.MXFP4, 0x78, 0));
    }
  }

  @Test
  void expandsEveryTypeAsDefined() {
    try (Arena arena = Arena.ofConfined()) {
      for (DataType type : Samples.TYPES) {
        int n = type.blockLength() == 256 ? 512 : 96;
        MemorySegment row = Samples.rows(arena, type, n, 1, 4);
        for (KernelSet set : SETS) {
          MemorySegment y = arena.allocate(4L * n);
          set.rows().load(type, row, 0, y, 0, n);
          for (int i = 0; i < n; i++) {
            assertEquals(Samples.element(type, row, i), y.get(Samples.FLOAT, 4L * i), 0);
          }
        }
      }
    }
  }

  @Test
  void refusesPartsOfBlocksAndUnknownTypes() {
    MemorySegment s = MemorySegment.ofArray(new byte[1024]);
    for (KernelSet set : SETS) {
      RowKernel rows = set.rows();
      assertThrows(IllegalArgumentException.class, () -> rows.load(DataType.Q8_0, s, 0, s, 0, 33));
      assertThrows(
          IllegalArgumentException.class, () -> rows.load(DataType.IQ1_S, s, 0, s, 0, 256));
    }
  }
}
