package dev.serval.tck.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.attention.RopeSpec;
import dev.serval.api.attention.RopeSpec.Style;
import dev.serval.api.attention.RopeSpec.Yarn;
import dev.serval.api.backend.Backend;
import dev.serval.api.graph.ClampedSwiglu;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.MixtureOfExperts;
import dev.serval.api.graph.MixtureOfExperts.Expert;
import dev.serval.api.graph.MixtureOfExperts.Router;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.ops.OpCase;
import dev.serval.tck.ops.OpCase.Inputs;
import dev.serval.tck.ops.StageBench;
import dev.serval.tck.weights.TestWeights;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The oracle against numbers from elsewhere and against arithmetic one can do by hand. */
class ReferenceOpsTest {

  private static final float[] ONE_TO_EIGHT = {1, 2, 3, 4, 5, 6, 7, 8};

  private final TestWeights weights = new TestWeights(1);

  /** The first output for one row per {@code inputs[0].length / width} numbers. */
  private float[] run(int rows, Inputs places, List<int[]> sizes, OpCase.Body body, float[]... in) {
    Graph stage = OpCase.stage(sizes, body);
    Backend backend = new ReferenceBackend();
    try (TestMemory memory = new TestMemory();
        StageBench bench =
            new StageBench(
                backend,
                backend.devices().devices().getFirst(),
                weights,
                stage,
                memory.spec(stage, rows, Math.max(1, places.sequences()), rows))) {
      return bench.run(rows, places, Arrays.asList(in)).getFirst();
    }
  }

  private float[] row(OpCase.Body body, float... x) {
    return run(1, Inputs.PLAIN, List.of(new int[] {x.length}), body, x);
  }

  private float[] rope(RopeSpec spec, int position, float... head) {
    return run(
        1,
        new Inputs(0, 0, position, 1),
        List.of(new int[] {1, head.length}),
        (g, in) -> List.of(g.rope(in.getFirst(), g.positions(), spec)),
        head);
  }

  @Test
  void ropeIsThatOfIndependentNumbers() {
    double[] neox = {
      -1.69559254, 0.13755174, 2.78868160, 3.97598204,
      -4.80884247, 6.32305935, 7.08683674, 8.01196398
    };
    near(neox, rope(RopeSpec.neox(8, 1e4, 1), 3, ONE_TO_EIGHT), 1e-6);
    RopeSpec norm = new RopeSpec(Style.NORM, 8, 1e4, 1, Optional.empty(), Optional.empty());
    double[] neighbours = {
      -1.27223251, -1.83886499, 1.68392864, 4.70790658,
      4.81777717, 6.14727770, 6.97596854, 8.02096397
    };
    near(neighbours, rope(norm, 3, ONE_TO_EIGHT), 1e-6);
    double[] scaled = {
      -0.90085502, 1.77364665, 2.97372897, 3.99699972,
      5.01881064, 6.07076417, 7.01120075, 8.00149944
    };
    near(scaled, rope(RopeSpec.neox(8, 1e4, 8), 3, ONE_TO_EIGHT), 1e-6);
    double[] half = {-1.41335252, 1.87911807, -2.82885748, 4.05819114, 5, 6, 7, 8};
    near(half, rope(RopeSpec.neox(4, 1e4, 1), 3, ONE_TO_EIGHT), 1e-6);
  }

  @Test
  void frequencyFactorsDivideAngles() {
    TensorView factors =
        weights.add("factors", DataType.F32, new float[] {1, 1e30f, 1e30f, 1e30f}, 4);
    RopeSpec spec = RopeSpec.neox(8, 1e6, 1).withFrequencyFactors(factors);
    double[] want = {-1.69559254, 2, 3, 4, -4.80884247, 6, 7, 8};
    near(want, rope(spec, 3, ONE_TO_EIGHT), 1e-6);
  }

  @Test
  void yarnIsThatOfGptOss() {
    RopeSpec spec = RopeSpec.neox(64, 150000, 32).withYarn(new Yarn(4096, 32, 1, 1, true));
    float[] ones = new float[64];
    Arrays.fill(ones, 1);
    float[] first = rope(spec, 1, ones);
    assertAt(first, 0, -0.4055458, 8, 1.2764412, 12, 1.3370934, 32, 1.8606594, 63, 1.3465740);
    float[] far = rope(spec, 5000, ones);
    assertAt(far, 0, 1.5386419, 8, -1.7665342, 9, -0.4503187, 17, -0.6607540, 18, 1.0655928);
    assertAt(far, 32, -1.1220971, 40, -0.7112509, 41, 1.8503335, 49, 1.7860361, 63, 1.3486077);
  }

  private static void near(double[] want, float[] got, double tolerance) {
    assertEquals(want.length, got.length);
    for (int i = 0; i < want.length; i++) {
      assertEquals(want[i], got[i], tolerance, "element " + i);
    }
  }

  private static void assertAt(float[] got, double... indexThenValue) {
    for (int i = 0; i < indexThenValue.length; i += 2) {
      int at = (int) indexThenValue[i];
      assertEquals(indexThenValue[i + 1], got[at], 2e-6, "index " + at);
    }
  }

  @Test
  void activationsAreThoseOfIndependentNumbers() {
    float[] gelu =
        row((g, in) -> List.of(g.unary(UnaryKind.GELU_TANH, in.getFirst())), -3, -1, -0.5f, 1, 3);
    double[] want = {-0.00363739, -0.15880801, -0.15428599, 0.84119199, 2.99636261};
    near(want, gelu, 1e-7);
    float[] erf =
        row((g, in) -> List.of(g.unary(UnaryKind.GELU_ERF, in.getFirst())), -9, -1, 0, 1, 9);
    // Φ(1) = 0.8413447460685429
    near(new double[] {0, -0.15865526, 0, 0.84134475, 9}, erf, 1e-7);
    float[] silu = row((g, in) -> List.of(g.unary(UnaryKind.SILU, in.getFirst())), -200, 1);
    near(new double[] {0, 0.73105858}, silu, 1e-7);
  }

  @Test
  void errorFunctionIsExactInDoublePrecision() {
    assertEquals(0.5204998778130465, ElementwiseLoops.erf(0.5), 1e-15);
    assertEquals(0.9953222650189527, ElementwiseLoops.erf(2), 1e-15);
    assertEquals(-0.9999999998458, ElementwiseLoops.erf(-4.5241), 1e-10);
    assertEquals(0, ElementwiseLoops.erf(0));
  }

  @Test
  void clampedSwigluIsThatOfGptOss() {
    float[] gate = {1, -2, 10, -10, 0.25f, 7.5f};
    float[] up = {0.5f, 3, 10, -10, -1, -8};
    float[] got =
        run(
            1,
            Inputs.PLAIN,
            List.of(new int[] {6}, new int[] {6}),
            (g, in) -> g.apply(new ClampedSwiglu(1.702, 7), in.get(0), in.get(1)),
            gate,
            up);
    double[] want = {1.26869365, -0.25736551, 55.99962503, 2.43e-6, 0, -41.99971877};
    near(want, got, 1e-5);
  }

  @Test
  void softCapIsTanhOfTheShare() {
    float[] got = row((g, in) -> g.apply(new SoftCap(30), in.getFirst()), 0, 30, -3000);
    near(new double[] {0, 22.847825, -30}, got, 1e-5);
  }

  @Test
  void normsDivideByTheirMoments() {
    float[] rms = row((g, in) -> List.of(g.rmsNorm(in.getFirst(), 1e-6f)), ONE_TO_EIGHT);
    assertEquals(0.19802950, rms[0], 1e-7);
    assertEquals(1.58423604, rms[7], 2e-7);
    TensorView w = weights.add("w", DataType.F32, new float[] {1, 2}, 2);
    TensorView b = weights.add("b", DataType.F32, new float[] {10, 20}, 2);
    // mean 2, variance 1, eps 0
    float[] layer = row((g, in) -> List.of(g.layerNorm(in.getFirst(), w, Optional.of(b), 0)), 1, 3);
    assertArrayEquals(new float[] {9, 22}, layer);
  }

  @Test
  void reductionsLookAtTheLastDimension() {
    float[] x = {3, -4, 0, 5};
    assertArrayEquals(new float[] {4}, reduce(ReduceKind.SUM, x));
    assertArrayEquals(new float[] {1}, reduce(ReduceKind.MEAN, x));
    assertArrayEquals(new float[] {5}, reduce(ReduceKind.MAX, x));
    assertArrayEquals(new float[] {50}, reduce(ReduceKind.SUM_SQUARES, x));
    float[] softmax = row((g, in) -> List.of(g.softmax(in.getFirst())), 1000, 1000, -1e30f);
    assertArrayEquals(new float[] {0.5f, 0.5f, 0}, softmax);
  }

  private float[] reduce(ReduceKind kind, float... x) {
    return row((g, in) -> List.of(g.reduce(kind, in.getFirst())), x);
  }

  @Test
  void equalValuesKeepTheLowerIndexFirst() {
    float[] best =
        run(
            1,
            Inputs.PLAIN,
            List.of(new int[] {5}, new int[] {5}),
            (g, in) -> List.of(g.gather(in.get(1), g.topK(in.get(0), 3).get(1))),
            new float[] {1, 7, 0, 7, 7},
            new float[] {0, 1, 2, 3, 4});
    assertArrayEquals(new float[] {1, 3, 4}, best);
  }

  @Test
  void poolingAveragesEachSequence() {
    float[] got =
        run(
            3,
            new Inputs(0, 0, 0, 2),
            List.of(new int[] {2}),
            (g, in) -> List.of(g.poolMean(in.getFirst())),
            new float[] {1, 10, 3, 30, 5, 50});
    assertArrayEquals(new float[] {2, 20, 5, 50}, got);
  }

  @Test
  void wantedRowsArePicked() {
    float[] got =
        run(
            3,
            Inputs.PLAIN,
            List.of(new int[] {2}),
            (g, in) -> List.of(g.wanted(in.getFirst())),
            new float[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new float[] {1, 2, 5, 6}, got);
  }

  @Test
  void sizesOfOneAreRepeated() {
    float[] got =
        run(
            1,
            Inputs.PLAIN,
            List.of(new int[] {2, 1}, new int[] {1, 3}),
            (g, in) -> List.of(g.sub(in.get(0), in.get(1))),
            new float[] {10, 20},
            new float[] {1, 2, 3});
    assertArrayEquals(new float[] {9, 8, 7, 19, 18, 17}, got);
  }

  @Test
  void mixtureOfExpertsAddsTheChosenOnes() {
    // expert e: gate 1·x, up e·x, down 1: gelu(x)·e·x; chosen 2 and 1 with scores 3 and 2
    Expert one = new Expert(weights.add("g", DataType.F32, new float[] {1, 1, 1}, 1, 1, 3), none());
    Expert up = new Expert(weights.add("u", DataType.F32, new float[] {0, 1, 2}, 1, 1, 3), none());
    TensorView scale = weights.add("s", DataType.F32, new float[] {7, 1, 0.5f}, 3);
    float[] plain = mixture(new Router(2, false, false, 0, 1), one, up, none());
    double x = 2;
    double gelu = 2 * 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (2 + 0.044715 * 8)));
    double second = 1 / (1 + Math.E);
    double want = gelu * x * (2 * (1 - second) + second);
    assertEquals(want, plain[0], 1e-5);
    double all = Math.exp(3) + Math.exp(2) + Math.exp(-1);
    float[] scaled = mixture(new Router(2, true, false, 0, 10), one, up, Optional.of(scale));
    double before = 10 * gelu * x * (Math.exp(3) + Math.exp(2)) / all;
    assertEquals(before, scaled[0], 1e-4);
    float[] renormalised = mixture(new Router(2, true, true, 0, 1), one, up, none());
    assertEquals(want, renormalised[0], 1e-5);
  }

  private static Optional<TensorView> none() {
    return Optional.empty();
  }

  private float[] mixture(Router router, Expert one, Expert up, Optional<TensorView> scale) {
    MixtureOfExperts op = new MixtureOfExperts(router, one, up, one, new Geglu(), scale);
    return run(
        1,
        Inputs.PLAIN,
        List.of(new int[] {1}, new int[] {3}),
        (g, in) -> List.<Value>copyOf(g.apply(op, in.get(0), in.get(1))),
        new float[] {2},
        new float[] {-1, 2, 3});
  }
}
