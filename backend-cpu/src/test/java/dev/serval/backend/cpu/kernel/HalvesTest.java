package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HalvesTest {

  private static final int ALL = 65536;

  @Test
  void everyHalfIsLoadedExactlyAndStoredBack() {
    for (KernelSet set : new KernelSet[] {KernelSets.scalar(), KernelSets.vector()}) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment halves = arena.allocate(2L * ALL);
        for (int i = 0; i < ALL; i++) {
          halves.set(ValueLayout.JAVA_SHORT, 2L * i, (short) i);
        }
        MemorySegment floats = arena.allocate(4L * ALL);
        MemorySegment back = arena.allocate(2L * ALL);
        set.rows().load(DataType.F16, halves, 0, floats, 0, ALL);
        set.rows().store(floats, 0, DataType.F16, back, 0, ALL);
        for (int i = 0; i < ALL; i++) {
          float expected = Float.float16ToFloat((short) i);
          float actual = floats.get(Samples.FLOAT, 4L * i);
          assertEquals(Float.floatToIntBits(expected), Float.floatToIntBits(actual), set.name());
          short stored = back.get(ValueLayout.JAVA_SHORT, 2L * i);
          if (Float.isNaN(expected)) {
            assertTrue(Float.isNaN(Float.float16ToFloat(stored)), set.name());
          } else {
            assertEquals((short) i, stored, set.name());
          }
        }
      }
    }
  }

  @Test
  void floatsBetweenHalvesAreRoundedToNearestEven() {
    SplittableRandom random = new SplittableRandom(1);
    int n = 40_000;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(4L * n);
      for (int i = 0; i < n; i++) {
        // a half, the middle to the next one, and their neighbours
        int bits = Float.floatToRawIntBits(Float.float16ToFloat((short) random.nextInt(ALL)));
        int middle = bits + (random.nextBoolean() ? 0x1000 : 0) + random.nextInt(-1, 2);
        floats.set(Samples.FLOAT, 4L * i, Float.intBitsToFloat(middle));
      }
      for (KernelSet set : new KernelSet[] {KernelSets.scalar(), KernelSets.vector()}) {
        MemorySegment halves = arena.allocate(2L * n);
        set.rows().store(floats, 0, DataType.F16, halves, 0, n);
        for (int i = 0; i < n; i++) {
          float x = floats.get(Samples.FLOAT, 4L * i);
          float actual = Float.float16ToFloat(halves.get(ValueLayout.JAVA_SHORT, 2L * i));
          float expected = Float.float16ToFloat(Float.floatToFloat16(x));
          assertEquals(Float.floatToIntBits(expected), Float.floatToIntBits(actual), "" + x);
        }
      }
    }
  }

  @Test
  void elementsOfMxfp4AreDoubledValuesOfTheTable() {
    int[] expected = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    for (int code = 0; code < 16; code++) {
      assertEquals(expected[code], Halves.mxElement(code));
    }
    assertEquals(0x1p-128f, Halves.mxScale(0));
    assertEquals(0x1p-127f, Halves.mxScale(1));
    assertEquals(0x1p-126f, Halves.mxScale(2));
    assertEquals(0x1p127f, Halves.mxScale(255));
  }
}
