package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** Probe blocks whose expanded values were summed up by an independent decoder (gguf-py). */
class RowLoadTest {

  private static final KernelSet[] SETS = {KernelSets.scalar(), KernelSets.vector()};

  private static String checksum(KernelSet set, DataType type, int... head) {
    try (Arena arena = Arena.ofConfined()) {
      int shift = 1; // not aligned, as in a file
      MemorySegment block = arena.allocate(type.blockBytes() + shift);
      for (int i = 0; i < type.blockBytes(); i++) {
        int b = i < head.length ? head[i] : (37 * i + 11) % 256;
        block.set(ValueLayout.JAVA_BYTE, i + shift, (byte) b);
      }
      MemorySegment y = arena.allocate(4L * type.blockLength());
      set.rows().load(type, block, shift, y, 0, type.blockLength());
      ByteBuffer bytes = ByteBuffer.allocate(4 * type.blockLength()).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < type.blockLength(); i++) {
        bytes.putFloat(y.get(Samples.FLOAT, 4L * i));
      }
      CRC32 crc = new CRC32();
      crc.update(bytes.array());
      return Long.toHexString(crc.getValue());
    }
  }

  @Test
  void expandsProbeBlocksBitForBit() {
    for (KernelSet set : SETS) {
      assertEquals("4a5055fd", checksum(set, DataType.Q4_0, 0x00, 0x3c));
      assertEquals("715819e6", checksum(set, DataType.Q4_0, 0x1f, 0x21));
      assertEquals("7e733bfa", checksum(set, DataType.Q8_0, 0x00, 0x3c));
      assertEquals("bf8a965e", checksum(set, DataType.Q8_0, 0x1f, 0x21));
      assertEquals("a8bddec7", checksum(set, DataType.MXFP4, 0x7f));
      assertEquals("191b8a41", checksum(set, DataType.MXFP4, 0x78));
    }
  }

  @Test
  void expandsEveryTypeAsDefined() {
    try (Arena arena = Arena.ofConfined()) {
      for (DataType type : Samples.TYPES) {
        MemorySegment row = Samples.rows(arena, type, 96, 1, 4);
        for (KernelSet set : SETS) {
          MemorySegment y = arena.allocate(4 * 96);
          set.rows().load(type, row, 0, y, 0, 96);
          for (int i = 0; i < 96; i++) {
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
      assertThrows(IllegalArgumentException.class, () -> rows.load(DataType.Q4_K, s, 0, s, 0, 256));
    }
  }
}
