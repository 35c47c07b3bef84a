package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionKernelTest {

  private final Arena arena = Arena.ofConfined();
  private final AttentionKernel scalar = KernelSets.scalar().attention();
  private final AttentionKernel vector = KernelSets.vector().attention();

  @AfterEach
  void close() {
    arena.close();
  }

  private MemorySegment sinks(float... values) {
    MemorySegment s = arena.allocate(4L * values.length);
    for (int i = 0; i < values.length; i++) {
      s.set(Samples.FLOAT, 4L * i, values[i]);
    }
    return s;
  }

  private void assertReference(AttentionCase c, MaskKind mask, int i, double... expected) {
    for (AttentionKernel kernel : new AttentionKernel[] {scalar, vector}) {
      for (int rows : new int[] {1, 6}) {
        MemorySegment results = c.attend(kernel, mask, rows);
        for (int e = 0; e < 16; e++) {
          float actual = results.get(Samples.FLOAT, 4L * (i * 16 + e));
          assertEquals(expected[e], actual, 5e-7, mask + " element " + e);
        }
      }
    }
  }

  @Test
  void maskKindsGiveReferenceVectors() {
    AttentionCase c = AttentionCase.reference(arena);
    assertReference(
        c,
        MaskKind.CAUSAL,
        5,
        -0.66350309,
        0.51630568,
        -0.03362445,
        0.26891715,
        -0.55484581,
        0.30855140,
        -0.02612878,
        0.17139644,
        0.10777716,
        0.01053778,
        -0.04704222,
        0.21538321,
        -0.09542366,
        0.20335656,
        0.10195001,
        0.09349102);
    assertReference(
        c,
        MaskKind.CAUSAL,
        0,
        -1.25,
        0.5,
        -0.5,
        1.25,
        -1.25,
        0.5,
        -0.5,
        1.25,
        0,
        -1,
        0.75,
        -0.25,
        0,
        -1,
        0.75,
        -0.25);
    assertReference(
        c,
        MaskKind.sliding(3),
        5,
        0.10158533,
        -0.22986675,
        -0.32303115,
        -0.14841467,
        -0.07655696,
        -0.30466725,
        -0.17126547,
        -0.32655696,
        0.29141603,
        0.08271090,
        0.09826239,
        0.04141603,
        0.07915634,
        0.22335214,
        0.31138730,
        -0.17084366);
  }

  @Test
  void otherMaskKindsGiveReferenceVectors() {
    AttentionCase c = AttentionCase.reference(arena);
    assertReference(
        c,
        MaskKind.symmetric(4),
        2,
        -0.35427105,
        0.43309392,
        -0.33317010,
        -0.49981385,
        -0.27230800,
        0.39211991,
        -0.34034756,
        -0.44085703,
        -0.32151778,
        0.23977353,
        -0.01427495,
        0.18276639,
        -0.09904756,
        -0.13862320,
        -0.10003892,
        0.22345314);
    assertReference(
        c,
        MaskKind.chunked(4),
        5,
        -0.56827865,
        -0.40125693,
        0.18172135,
        -0.81827865,
        -0.55384709,
        -0.43974109,
        0.19615291,
        -0.80384709,
        0.61113921,
        -0.38886079,
        0.03696210,
        0.36113921,
        0.49182698,
        -0.50817302,
        0.35512806,
        0.24182698);
    assertReference(
        c,
        MaskKind.BIDIRECTIONAL,
        1,
        -0.42935536,
        0.08882388,
        -0.00286815,
        -0.02245362,
        -0.31627817,
        -0.17406567,
        0.00077494,
        -0.38738631,
        -0.17905880,
        0.28003769,
        0.12195744,
        0.06239349,
        -0.25676459,
        0.32877365,
        0.04502755,
        0.11353056);
  }

  @Test
  void sinksAndSoftCapGiveReferenceVectors() {
    AttentionCase c = AttentionCase.reference(arena);
    c.softCap = 0.5f;
    assertReference(
        c,
        MaskKind.CAUSAL,
        5,
        -0.42475668,
        0.25648047,
        0.05479054,
        0.03617056,
        -0.45362385,
        0.25959656,
        -0.00661722,
        0.04203584,
        0.09090251,
        0.01421156,
        -0.06567318,
        0.21337947,
        -0.04579260,
        0.10374978,
        -0.06677369,
        0.24941358);
    c.softCap = 0;
    c.sinks = sinks(0.5f, -1, 2, 0);
    assertReference(
        c,
        MaskKind.CAUSAL,
        5,
        -0.56633603,
        0.44069502,
        -0.02870030,
        0.22953543,
        -0.52387385,
        0.29132780,
        -0.02467025,
        0.16182895,
        0.05125123,
        0.00501102,
        -0.02236997,
        0.10242110,
        -0.08714707,
        0.18571837,
        0.09310734,
        0.08538205);
    assertReference(
        c,
        MaskKind.sliding(3),
        5,
        0.03793718,
        -0.08584405,
        -0.12063642,
        -0.05542566,
        -0.06246060,
        -0.24856916,
        -0.13973053,
        -0.26642834,
        0.11204464,
        0.03180097,
        0.03778026,
        0.01592378,
        0.07027516,
        0.19829249,
        0.27645028,
        -0.15167535);
  }

  @Test
  void rowThatSeesNothingIsZero() {
    for (MemorySegment s : new MemorySegment[] {MemorySegment.NULL, sinks(0.5f, -1, 2, 0)}) {
      AttentionCase c = AttentionCase.reference(arena);
      c.sinks = s;
      for (AttentionKernel kernel : new AttentionKernel[] {scalar, vector}) {
        MemorySegment results = arena.allocate(4 * 16 * 2).fill((byte) -1);
        AttentionTask t = c.task(kernel, MaskKind.CAUSAL, 0, 2, 0, results);
        t.from.set(Samples.INT, 0, 0);
        t.until.set(Samples.INT, 0, 0);
        t.until.set(Samples.INT, 4, 0);
        kernel.attend(t);
        for (int e = 0; e < 8; e++) {
          assertEquals(0, results.get(Samples.FLOAT, 4L * e));
        }
      }
    }
  }

  @Test
  void kernelsAndGroupingsGiveTheSameBits() {
    int[][] shapes = {
      {4, 2, 32, 32, 70},
      {8, 1, 64, 96, 70},
      {2, 1, 24, 40, 70},
      {8, 1, 16, 80, 20},
      {1, 1, 1, 3, 9}
    };
    for (int[] shape : shapes) {
      for (DataType type : types(shape[2], shape[3])) {
        AttentionCase c =
            new AttentionCase(arena, shape[0], shape[1], shape[2], shape[3], shape[4], type)
                .random();
        c.sinks = sinks(0.1f, 2, -3, 0, 1, 1, 1, 1);
        for (MaskKind mask :
            new MaskKind[] {MaskKind.CAUSAL, MaskKind.sliding(20), MaskKind.BIDIRECTIONAL}) {
          MemorySegment expected = c.attend(scalar, mask, 1);
          for (int rows : new int[] {3, 16}) {
            MemorySegment actual = c.attend(vector, mask, rows);
            Samples.assertSame(
                mask + " " + type + " rows " + rows, expected, 0, actual, 0, actual.byteSize() / 4);
          }
        }
      }
    }
  }

  /** Types that heads of these widths can have. */
  private static List<DataType> types(int keyDim, int valueDim) {
    return Stream.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0)
        .filter(t -> keyDim % t.blockLength() == 0 && valueDim % t.blockLength() == 0)
        .toList();
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"F32", "F16", "Q8_0", "Q4_0"})
  void resultIsCloseToDoublePrecision(DataType type) {
    AttentionCase c = new AttentionCase(arena, 4, 2, 64, 32, 140, type).random();
    c.softCap = 5;
    c.sinks = sinks(0.1f, 2, -3, 0);
    for (MaskKind mask :
        new MaskKind[] {MaskKind.CAUSAL, MaskKind.sliding(70), MaskKind.symmetric(10)}) {
      MemorySegment results = c.attend(vector, mask, 16);
      for (int i = 0; i < 140; i += 23) {
        for (int h = 0; h < 4; h++) {
          for (int d = 0; d < 32; d++) {
            float actual = results.get(Samples.FLOAT, 4L * ((i * 4 + h) * 32 + d));
            // |values| ≤ 1; a few roundings of scores up to 5 and of sums
            assertEquals(c.exact(mask, i, h, d), actual, 4e-6, mask + " at " + i);
          }
        }
      }
    }
  }

  @Test
  void largeScoresDoNotOverflow() {
    AttentionCase c = new AttentionCase(arena, 2, 1, 16, 16, 130, DataType.F32).random();
    c.scale = 1e4f;
    MemorySegment results = c.attend(vector, MaskKind.CAUSAL, 16);
    for (long e = 0; e < results.byteSize() / 4; e++) {
      assertTrue(Math.abs(results.get(Samples.FLOAT, 4 * e)) <= 1);
    }
  }

  @Test
  void notANumberInAVisibleKeyIsNotHidden() {
    AttentionCase c = new AttentionCase(arena, 2, 1, 16, 16, 70, DataType.F32).random();
    c.key(3, 0, 5, Float.NaN);
    for (AttentionKernel kernel : new AttentionKernel[] {scalar, vector}) {
      MemorySegment results = c.attend(kernel, MaskKind.CAUSAL, 7);
      for (int i = 0; i < 70; i++) {
        assertEquals(i >= 3, Float.isNaN(results.get(Samples.FLOAT, 4L * i * 32)), "row " + i);
      }
    }
  }
}
