package dev.serval.tck.ops;

import dev.serval.api.attention.RopeSpec;
import dev.serval.api.attention.RopeSpec.Style;
import dev.serval.api.attention.RopeSpec.Yarn;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.graph.ClampedSwiglu;
import dev.serval.api.graph.Composite;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.MixtureOfExperts;
import dev.serval.api.graph.MixtureOfExperts.Expert;
import dev.serval.api.graph.MixtureOfExperts.Router;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.ops.OpCase.Inputs;
import dev.serval.tck.weights.Quantizers;
import dev.serval.tck.weights.TestWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Cases of ops that read weights, of rotary embedding, and of composites. Each with its bound. */
public final class ProjectionCases {

  private static final long SEED = 20260102;

  /** Row lengths of types without blocks. */
  private static final int[] PLAIN_INS = {1, 7, 16, 33, 96, 257};

  /** Row lengths of types with blocks of 32. */
  private static final int[] BLOCK_INS = {32, 64, 96, 320};

  /** Row lengths of types with blocks of 256. */
  private static final int[] SUPER_BLOCK_INS = {256, 768};

  /** Output rows round the edges of 16, 32 and 64 lanes. */
  private static final int[] OUTS = {1, 2, 15, 16, 17, 31, 32, 33, 64, 65};

  private ProjectionCases() {}

  /** The weight types that can be made up here. */
  public static Set<DataType> types() {
    return new TreeSet<>(Quantizers.types());
  }

  /**
   * The bound of a product of {@code in} weights and activations in [−1, 1].
   *
   * <p>Exact activations: each of {@code in} partial sums, at most √in/3 large, is rounded once;
   * the errors add up as a random walk to about in · 2^−24 · 0.1, and 1e-7 · in leaves room for
   * other orders. Codes of quantized types may be read with an offset that is taken off in the sum:
   * with three times the largest weight, sums of 32 are rounded to 2^−22 or so up to 32 times,
   * which makes some 5e-7 · √in and is bounded by five times that. Activations rounded to 8 bits
   * per block of 32: an error of at most 1/254 each, 1/440 on average, times a weight of 0.58 on
   * average, makes √in · 0.0013; the bound is six times that. The same covers activations rounded
   * to BF16 (2^−9) and F16.
   */
  static Bound product(DataType type, Mode mode, int in) {
    double offset = type.isQuantized() ? 2.5e-6 * Math.sqrt(in) : 0;
    double exact = 1e-7 * in + 1e-7 + offset;
    boolean rounded = mode == Mode.DEFAULT && type != DataType.F32;
    return Bound.absolute(rounded ? exact + 0.008 * Math.sqrt(in) : exact);
  }

  /** Cases of reading rows and multiplying matrices with one weight type. */
  public static List<OpCase> matrices(DataType type, Mode mode) {
    List<OpCase> cases = new ArrayList<>();
    for (int in : rowLengths(type)) {
      cases.add(rows(type, in));
      for (int out : OUTS) {
        cases.add(matMul(type, mode, in, out, out % 2 == 0));
      }
      cases.add(experts(type, mode, in, 17, false));
      cases.add(experts(type, mode, in, 33, true));
    }
    return cases;
  }

  private static int[] rowLengths(DataType type) {
    return switch (type.blockLength()) {
      case 1 -> PLAIN_INS;
      case 32 -> BLOCK_INS;
      default -> SUPER_BLOCK_INS;
    };
  }

  private static OpCase rows(DataType type, int in) {
    TestWeights w = new TestWeights(SEED);
    TensorView table = w.random("table", type, in, 3);
    Graph stage =
        OpCase.stage(
            List.of(new int[] {in}),
            (g, x) -> List.of(g.add(x.getFirst(), g.rows(table, g.tokens()))));
    // decoding is exact in F32, the sum is one rounding
    return new OpCase(
        "rows " + type + " " + in, "rows " + type, w, stage, Inputs.PLAIN, Bound.EQUAL);
  }

  private static OpCase matMul(DataType type, Mode mode, int in, int out, boolean bias) {
    TestWeights w = new TestWeights(SEED);
    TensorView weight = w.random("w", type, in, out);
    TensorView b = w.random("b", DataType.F32, out);
    Graph stage =
        OpCase.stage(
            List.of(new int[] {in}),
            (g, x) ->
                List.of(bias ? g.matmul(weight, b, x.getFirst()) : g.matmul(weight, x.getFirst())));
    String name = "matmul " + type + " " + in + " to " + out + (bias ? " with bias " : " ") + mode;
    return new OpCase(name, "matmul " + type, w, stage, Inputs.PLAIN, product(type, mode, in));
  }

  private static OpCase experts(DataType type, Mode mode, int in, int out, boolean perChoice) {
    int nExperts = 5;
    int used = 2;
    TestWeights w = new TestWeights(SEED);
    TensorView weight = w.random("w", type, in, out, nExperts);
    TensorView b = w.random("b", DataType.F32, out, nExperts);
    Expert expert = new Expert(weight, perChoice ? Optional.of(b) : Optional.empty());
    Graph stage =
        OpCase.stage(
            List.of(perChoice ? new int[] {used, in} : new int[] {in}, new int[] {nExperts}),
            (g, x) -> List.of(g.expertMatmul(expert, x.get(0), g.topK(x.get(1), used).get(1))));
    String name = "expertmatmul " + type + " " + in + " to " + out + " " + mode;
    return new OpCase(
        name, "expertmatmul " + type, w, stage, Inputs.PLAIN, product(type, mode, in));
  }

  /** Cases of two computed matrices. */
  public static List<OpCase> batches() {
    List<OpCase> cases = new ArrayList<>();
    for (int k : new int[] {1, 4, 17, 64}) {
      for (int n : new int[] {1, 15, 33, 64}) {
        Graph stage =
            OpCase.stage(
                List.of(new int[] {3, k}, new int[] {k, n}),
                (g, x) -> List.of(g.batchMatmul(x.get(0), x.get(1))));
        cases.add(
            new OpCase(
                "batchmatmul " + k + " to " + n,
                "batchmatmul",
                new TestWeights(SEED),
                stage,
                Inputs.PLAIN,
                product(DataType.F32, Mode.EXACT, k)));
      }
    }
    return cases;
  }

  /** Cases of rotary embedding. */
  public static List<OpCase> ropes() {
    List<OpCase> cases = new ArrayList<>();
    TestWeights w = new TestWeights(SEED);
    TensorView factors = w.around("factors", DataType.F32, 8, 7, 16);
    for (int dim : new int[] {2, 8, 32, 34, 64, 128}) {
      for (Style style : Style.values()) {
        RopeSpec plain = new RopeSpec(style, dim, 10000, 1, Optional.empty(), Optional.empty());
        cases.add(rope(w, plain, dim, 0));
        cases.add(rope(w, plain, dim + 6, 100_000));
      }
    }
    cases.add(rope(w, RopeSpec.neox(32, 1e6, 8).withFrequencyFactors(factors), 32, 37));
    Yarn yarn = new Yarn(4096, 32, 1, 1, true);
    cases.add(rope(w, RopeSpec.neox(64, 150000, 32).withYarn(yarn), 64, 4990));
    Yarn exact = new Yarn(4096, 32, 1, 1, false);
    cases.add(rope(w, RopeSpec.neox(64, 150000, 32).withYarn(exact), 64, 4990));
    return cases;
  }

  private static OpCase rope(TestWeights w, RopeSpec spec, int dim, int firstPosition) {
    Graph stage =
        OpCase.stage(
            List.of(new int[] {3, dim}),
            (g, x) -> List.of(g.rope(x.getFirst(), g.positions(), spec)));
    // angles are reduced in double precision and then rounded to F32 below 2π: 2^-22; two products
    Bound bound = Bound.absolute(8 * 0x1p-22);
    String name =
        "rope " + spec.style() + " " + spec.nRot() + " of " + dim + " from " + firstPosition;
    return new OpCase(name, "rope", w, stage, new Inputs(-1, 1, firstPosition, 1), bound);
  }

  /**
   * Cases of composites, which a backend may compute or lower: it must if it computes the
   * primitives.
   */
  public static List<OpCase> composites(Mode mode) {
    List<OpCase> cases = new ArrayList<>();
    for (int n : new int[] {1, 16, 33, 64}) {
      // an activation within 2e-6 times a factor of at most 6
      cases.add(gate("geglu", "gelu_tanh", new Geglu(), n, new Bound(4e-6, 1e-5)));
      cases.add(
          gate("clampedswiglu", "sigmoid", new ClampedSwiglu(1.702, 3), n, new Bound(4e-6, 1e-5)));
      Graph cap =
          OpCase.stage(List.of(new int[] {n}), (g, x) -> g.apply(new SoftCap(30), x.getFirst()));
      cases.add(
          new OpCase(
              "softcap " + n,
              "tanh",
              new TestWeights(SEED),
              cap,
              Inputs.in(-90, 90),
              new Bound(2e-6, 3e-5)));
    }
    for (DataType type : types()) {
      cases.add(mixture(type, mode, new Router(2, false, false, 0, 1), false));
      cases.add(mixture(type, mode, new Router(3, true, true, 6.1035e-5, 2.5), true));
    }
    return cases;
  }

  private static OpCase gate(String name, String support, Composite op, int n, Bound bound) {
    Graph stage =
        OpCase.stage(
            List.of(new int[] {n}, new int[] {n}), (g, x) -> g.apply(op, x.get(0), x.get(1)));
    return new OpCase(
        name + " " + n, support, new TestWeights(SEED), stage, Inputs.in(-6, 6), bound);
  }

  private static OpCase mixture(DataType type, Mode mode, Router router, boolean gemma) {
    int in = Math.max(64, type.blockLength());
    int ffn = Math.max(32, type.blockLength());
    int nExperts = 6;
    TestWeights w = new TestWeights(SEED);
    Expert gate = expert(w, "gate", type, !gemma, in, ffn, nExperts);
    Expert up = expert(w, "up", type, !gemma, in, ffn, nExperts);
    Expert down = expert(w, "down", type, !gemma, ffn, in, nExperts);
    Optional<TensorView> scale =
        gemma ? Optional.of(w.around("scale", DataType.F32, 1, 0.5, nExperts)) : Optional.empty();
    Composite activation = gemma ? new Geglu() : new ClampedSwiglu(1.702, 7);
    MixtureOfExperts op = new MixtureOfExperts(router, gate, up, down, activation, scale);
    Graph stage =
        OpCase.stage(
            List.of(new int[] {in}, new int[] {nExperts}),
            (g, x) -> g.apply(op, x.get(0), x.get(1)));
    // gate and up are off by one bound each, of values up to 10; down adds ffn of their products
    double bound = 60 * product(type, mode, in).absolute();
    if (mode == Mode.DEFAULT && type != DataType.F32) {
      // down may round those products, of a deviation of in / 9 and in a block up to four times
      // that, to 1/440 of it on average: √ffn · 4 in / 9 / 440 · 0.58, and six times that
      bound += 0.0035 * in * Math.sqrt(ffn);
    }
    String name = "mixture of experts " + type + (gemma ? ", gemma " : ", gpt-oss ") + mode;
    return new OpCase(name, "expertmatmul " + type, w, stage, Inputs.PLAIN, Bound.absolute(bound));
  }

  private static Expert expert(
      TestWeights w, String name, DataType type, boolean bias, int in, int out, int nExperts) {
    TensorView weight = w.random(name, type, in, out, nExperts);
    return new Expert(
        weight,
        bias
            ? Optional.of(w.random(name + ".bias", DataType.F32, out, nExperts))
            : Optional.empty());
  }
}
