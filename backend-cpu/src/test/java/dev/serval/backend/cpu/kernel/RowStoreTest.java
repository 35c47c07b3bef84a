package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import dev.serval.tck.weights.Quantizers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a cache holds, byte for byte. */
class RowStoreTest {

  private static final KernelSet[] SETS = {KernelSets.scalar(), KernelSets.vector()};

  private static byte[] stored(KernelSet set, DataType type, float... x) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment row = arena.allocateFrom(ValueLayout.JAVA_FLOAT, x);
      MemorySegment blocks = arena.allocate(type.bytes(x.length) + 2).fill((byte) 0x55);
      set.rows().store(row, 0, type, blocks, 1, x.length);
      assertEquals(0x55, blocks.get(ValueLayout.JAVA_BYTE, 0));
      assertEquals(0x55, blocks.get(ValueLayout.JAVA_BYTE, blocks.byteSize() - 1));
      return blocks.asSlice(1, blocks.byteSize() - 2).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static String hex(byte... bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  /** x[i] = (−1)^i · (i/8 − 1.5), computed by gguf-py's quantizers. */
  @ParameterizedTest
  @CsvSource({
    "Q8_0, ca24b04abd3ccb2fd821e514f30700f90dec1bdf28d135c443b650a95e9c6b8e7881",
    "Q4_0, c034a36db45cb54bc53ad639e728f818f907"
  })
  void knownBlockHasItsBytes(DataType type, String expected) {
    float[] x = new float[32];
    for (int i = 0; i < 32; i++) {
      x[i] = (i % 2 == 0 ? 1 : -1) * (i / 8f - 1.5f);
    }
    for (KernelSet set : SETS) {
      assertEquals(expected, hex(stored(set, type, x)));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"Q8_0", "Q4_0"})
  void bytesAreThoseOfTheReference(DataType type) {
    SplittableRandom random = new SplittableRandom(6);
    byte[] expected = new byte[(int) type.bytes(96)];
    for (int round = 0; round < 500; round++) {
      double size = Math.scalb(1.0, random.nextInt(-30, 15));
      float[] x = new float[96];
      for (int i = 0; i < x.length; i++) {
        // codes on halves are frequent, where rounding rules differ
        double v = random.nextInt(4) == 0 ? random.nextInt(-254, 255) / 254.0 : random.nextDouble();
        x[i] = (float) (round == 0 ? 0 : size * (random.nextBoolean() ? v : -v));
      }
      Quantizers.encode(type, x, MemorySegment.ofArray(expected));
      for (KernelSet set : SETS) {
        assertEquals(hex(expected), hex(stored(set, type, x)), "round " + round);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"Q8_0", "Q4_0"})
  void blockWithANumberThatIsNotFiniteIsNotANumber(DataType type) {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      for (int place : new int[] {32, 40, 63}) {
        float[] x = new float[96];
        x[33] = 3;
        x[place] = bad;
        for (KernelSet set : SETS) {
          MemorySegment blocks = Arena.ofAuto().allocate(type.bytes(96));
          MemorySegment y = Arena.ofAuto().allocate(4 * 96);
          MemorySegment.copy(
              stored(set, type, x), 0, blocks, ValueLayout.JAVA_BYTE, 0, (int) blocks.byteSize());
          set.rows().load(type, blocks, 0, y, 0, 96);
          for (int i = 0; i < 96; i++) {
            boolean inBlock = i >= 32 && i < 64;
            assertEquals(inBlock, Float.isNaN(y.get(Samples.FLOAT, 4L * i)), bad + " at " + i);
          }
        }
      }
    }
  }

  @Test
  void refusesPartsOfBlocksAndOtherTypes() {
    MemorySegment s = MemorySegment.ofArray(new byte[1024]);
    for (KernelSet set : SETS) {
      RowKernel rows = set.rows();
      assertThrows(IllegalArgumentException.class, () -> rows.store(s, 0, DataType.Q8_0, s, 0, 33));
      Exception e =
          assertThrows(
              IllegalArgumentException.class, () -> rows.store(s, 0, DataType.Q4_K, s, 0, 256));
      assertTrue(String.valueOf(e.getMessage()).contains("Q4_K"));
    }
  }
}
