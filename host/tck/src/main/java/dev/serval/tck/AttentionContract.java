package dev.serval.tck;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Flash;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Support;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Node;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.ops.AttentionCase;
import dev.serval.tck.ops.AttentionCase.Cache;
import dev.serval.tck.ops.AttentionVectors;
import dev.serval.tck.ops.Bound;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Attention alone in a graph: all masks, sinks, soft cap, head ratios and widths, scattered cells,
 * several sequences per step, caches of every type; against vectors from elsewhere and against the
 * reference backend.
 */
public abstract class AttentionContract extends BackendContract {

  /**
   * Scores are dots of up to 256 products of magnitude 4, scaled to magnitude 5 and summed in F32:
   * they are off by about 1e-6, exponentials by 1e-6 more, and the result is a mean of values in
   * [−1, 1]. A cache rounds the same F32 numbers to the same type in every backend.
   */
  private static final Bound BOUND = Bound.absolute(1e-5);

  private static final long SEED = 11;
  private static final int TABLE = 120;

  /** Heads, key/value heads, key width, value width. */
  private static final int[][] SHAPES = {
    {4, 2, 4, 4}, {1, 1, 64, 64}, {8, 1, 32, 32}, {6, 3, 80, 48}, {4, 4, 256, 256}, {3, 1, 17, 9}
  };

  /** For subclasses. */
  protected AttentionContract() {}

  /** Numbers computed elsewhere in double precision. */
  @TestFactory
  public Stream<DynamicTest> knownVectorsAreReproduced() {
    return AttentionVectors.all().stream()
        .map(v -> DynamicTest.dynamicTest(v.name(), () -> checkVector(v)));
  }

  private void checkVector(AttentionVectors.Vector v) {
    try (TestMemory memory = new TestMemory()) {
      AttentionCase c = v.attention();
      CompileSpec spec = memory.spec(c.graph(), AttentionVectors.TOKENS, 1, 16);
      try (Chain chain = Chain.of(backend(), device(), c.weights(), c.graph(), spec)) {
        SequenceRunner runner = new SequenceRunner(chain, c.graph(), spec.limits());
        int[] tokens = AttentionCase.tokens(0, AttentionVectors.TOKENS);
        // the vectors have eight digits; tables are rounded to F32
        List<float[]> rows = runner.add(0, tokens).run();
        Bound.absolute(2e-6).check(v.name(), v.numbers(), rows.get(v.row()));
      }
    }
  }

  /** A row that sees nothing is 0, with sinks or without. */
  @TestFactory
  public Stream<DynamicTest> rowThatSeesNothingIsZero() {
    return Stream.of(false, true)
        .flatMap(sinks ->
            Stream.of(Cache.values())
                .map(cache ->
                    DynamicTest.dynamicTest(
                        "sinks " + sinks + ", cache " + cache, () -> checkBlind(sinks, cache))));
  }

  private void checkBlind(boolean sinks, Cache cache) {
    try (TestMemory memory = new TestMemory()) {
      AttentionCase c = AttentionVectors.attention("blind", MaskKind.CAUSAL, sinks, 0, cache);
      CompileSpec spec = memory.spec(c.graph(), 4, 1, 16);
      try (Chain chain = Chain.of(backend(), device(), c.weights(), c.graph(), spec)) {
        chain.run(step -> {
          for (int row = 0; row < 2; row++) {
            step.token(row, row, 0);
            step.visible(0, row, row, row, row);
            step.want(row, Output.full());
          }
        });
        for (int row = 0; row < 2; row++) {
          float[] got = chain.last().outputRow(row).toArray(ValueLayout.JAVA_FLOAT);
          Bound.EQUAL.check("row " + row, new float[got.length], got);
        }
      }
    }
  }

  /** Cached attention of every shape and mask. */
  @TestFactory
  public Stream<DynamicTest> cachedAttentionAgreesWithTheReference() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int[] s : SHAPES) {
      for (MaskKind mask :
          List.of(
              MaskKind.CAUSAL, MaskKind.sliding(5), MaskKind.sliding(32), MaskKind.chunked(8))) {
        AttentionSpec plain =
            new AttentionSpec(s[0], s[1], s[2], s[3], scale(s[2]), 0, mask, Optional.empty());
        for (DataType kvType : List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0)) {
          if (s[2] % kvType.blockLength() == 0 && s[3] % kvType.blockLength() == 0) {
            tests.add(compare(AttentionCase.random(plain, false, Cache.SLOT, TABLE, SEED), kvType));
          }
        }
        tests.add(
            compare(AttentionCase.random(plain, true, Cache.SLOT, TABLE, SEED), DataType.F16));
        AttentionSpec capped = plain.withSoftCap(2);
        tests.add(
            compare(AttentionCase.random(capped, true, Cache.SLOT, TABLE, SEED), DataType.F32));
      }
    }
    return chosen(tests);
  }

  /** Blocks of a cache do not cross heads, and heads have no parts of blocks. */
  @TestFactory
  public Stream<DynamicTest> headsOfPartsOfBlocksAreRefusedByName() {
    return Stream.of(DataType.Q8_0, DataType.Q4_0)
        .flatMap(type ->
            Stream.of(new int[] {80, 64}, new int[] {64, 80})
                .map(dims ->
                    DynamicTest.dynamicTest(
                        type + ", heads of " + dims[0] + " and " + dims[1],
                        () -> checkRefused(type, dims[0], dims[1]))));
  }

  private void checkRefused(DataType type, int keyDim, int valueDim) {
    AttentionSpec attention =
        new AttentionSpec(2, 2, keyDim, valueDim, 1, 0, MaskKind.CAUSAL, Optional.empty());
    AttentionCase c = AttentionCase.random(attention, false, Cache.SLOT, TABLE, SEED);
    List<Node> cached =
        c.graph().nodes().stream()
            .filter(
                n -> n.op() instanceof AttentionOp.KvStore || n.op() instanceof AttentionOp.Attend)
            .toList();
    Assertions.assertEquals(2, cached.size());
    for (Node n : cached) {
      Support.No no =
          Assertions.assertInstanceOf(
              Support.No.class, backend().supports(n.op(), type, device()), n.toString());
      Assertions.assertTrue(no.toString().contains("head_dim"), no.toString());
      Assertions.assertTrue(no.toString().contains("80"), no.toString());
    }
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(c.graph(), 4, 1, 16).withKvType(type);
      ModelRefusedException e =
          Assertions.assertThrows(
              ModelRefusedException.class,
              () -> Chain.of(backend(), device(), c.weights(), c.graph(), spec).close());
      Assertions.assertEquals(ModelRefusedException.Reason.NO_BACKEND, e.reason());
    }
  }

  /** Attention without a cache of every shape and mask. */
  @TestFactory
  public Stream<DynamicTest> attentionWithoutCacheAgreesWithTheReference() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int[] s : SHAPES) {
      for (MaskKind mask :
          List.of(
              MaskKind.CAUSAL,
              MaskKind.sliding(5),
              MaskKind.chunked(8),
              MaskKind.symmetric(6),
              MaskKind.BIDIRECTIONAL)) {
        AttentionSpec spec =
            new AttentionSpec(s[0], s[1], s[2], s[3], scale(s[2]), 0, mask, Optional.empty());
        for (boolean sinks : new boolean[] {false, true}) {
          AttentionCase c = AttentionCase.random(spec, sinks, Cache.NONE, TABLE, SEED);
          tests.add(compare(c, DataType.F32));
        }
      }
    }
    return chosen(tests);
  }

  private static float scale(int keyDim) {
    return (float) (1 / Math.sqrt(keyDim));
  }

  private DynamicTest compare(AttentionCase c, DataType kvType) {
    return DynamicTest.dynamicTest(
        c.name() + ", " + kvType,
        () -> {
          Backend reference = new ReferenceBackend();
          Device oracle = reference.devices().devices().getFirst();
          List<float[]> want = run(reference, oracle, c, kvType, Flash.AUTO);
          for (Flash flash : List.of(Flash.AUTO, Flash.OFF)) {
            List<float[]> got = run(backend(), device(), c, kvType, flash);
            for (int row = 0; row < want.size(); row++) {
              BOUND.check("flash " + flash + ", row " + row, want.get(row), got.get(row));
            }
          }
        });
  }

  /**
   * Three sequences: a long prompt in one step, two more beside it in uneven pieces, then single
   * tokens of all three, in cells taken at random.
   */
  private static List<float[]> run(
      Backend backend, Device device, AttentionCase c, DataType kvType, Flash flash) {
    List<float[]> rows = new ArrayList<>();
    try (TestMemory memory = new TestMemory()) {
      CompileSpec plain = memory.spec(c.graph(), 48, 3, 160).withKvType(kvType);
      CompileSpec spec =
          new CompileSpec(plain.limits(), kvType, plain.mode(), flash, plain.resources());
      try (Chain chain = Chain.of(backend, device, c.weights(), c.graph(), spec)) {
        SequenceRunner runner = SequenceRunner.scattered(chain, c.graph(), spec.limits(), SEED);
        boolean cached = !c.graph().groups().getFirst().slots().isEmpty();
        rows.addAll(runner.add(0, AttentionCase.tokens(0, 37)).run());
        int next = 40;
        for (int piece : new int[] {1, 5, 16, 2}) {
          if (!cached) {
            runner.forget(1);
            runner.forget(2);
          }
          runner.add(2, AttentionCase.tokens(next, piece));
          runner.add(1, AttentionCase.tokens(next + piece, piece + 1));
          rows.addAll(runner.run());
          next += piece;
        }
        for (int i = 0; i < 3 && cached; i++) {
          rows.addAll(runner.add(1, 90 + i).add(0, 100 + i).add(2, 110 + i).run());
        }
      }
    }
    return rows;
  }
}
