package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Limits;
import dev.serval.api.backend.Output;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.ModelSession.Cells;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.ops.Bound;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.reference.RowDecoder;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import dev.serval.tck.weights.TestWeights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What a compiled model computes: what the reference computes, and the same for a token whatever
 * else is in its step, however the prompt is cut into steps, wherever its rows lie, and whether the
 * graph is cut or not.
 *
 * <p>The same means equal bits, unless {@link #sameBits} says otherwise.
 */
public abstract class ProgramContract extends BackendContract {

  /** Longer than the window of the models, 6. */
  private static final int[] PROMPT = {
    3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26, 43, 38, 32, 79, 50, 28, 84, 19, 71, 69, 39
  };

  private static final long SEED = 3;

  /** For subclasses. */
  protected ProgramContract() {}

  private void checkSame(String what, List<float[]> want, List<float[]> got) {
    Assertions.assertEquals(want.size(), got.size(), what);
    for (int row = 0; row < want.size(); row++) {
      if (sameBits()) {
        Assertions.assertArrayEquals(want.get(row), got.get(row), what + ", row " + row);
      } else {
        // another order of summing F32 numbers, through four layers
        Bound.absolute(1e-3).check(what + ", row " + row, want.get(row), got.get(row));
      }
    }
  }

  private static List<TestModel> decoders(DataType type) {
    return List.of(TestModel.gemma3(type, SEED), TestModel.gptOss(type, SEED));
  }

  private interface Check {
    void run(TestModel model, UnaryOperator<CompileSpec> mode);
  }

  /** A test for each decoder, and exact and default mode. */
  private Stream<DynamicTest> each(DataType type, Check check) {
    List<DynamicTest> tests = new ArrayList<>();
    for (TestModel m : decoders(type)) {
      for (CompileSpec.Mode mode : CompileSpec.Mode.values()) {
        String name = m.source().name() + " " + type + " " + mode;
        tests.add(DynamicTest.dynamicTest(name, () -> check.run(m, spec -> spec.withMode(mode))));
      }
    }
    return chosen(tests);
  }

  private List<float[]> whole(TestModel m, UnaryOperator<CompileSpec> mode, int... tokens) {
    try (ModelSession s = new ModelSession(backend(), m, mode)) {
      return s.runner().prefill(0, ModelSession.MAX_TOKENS, tokens);
    }
  }

  /** Whole models, each weight type, two cache types, and each cache type. */
  @TestFactory
  public Stream<DynamicTest> exactModeAgreesWithTheReference() {
    return chosen(
        Stream.of(DataType.F32, DataType.F16, DataType.BF16, DataType.Q8_0, DataType.Q4_0)
            .flatMap(type -> decoders(type).stream())
            .flatMap(m -> cacheTypes(m).map(kv -> agreement(m, kv)))
            .toList());
  }

  private static Stream<DataType> cacheTypes(TestModel m) {
    Stream<DataType> both = Stream.of(DataType.F32, DataType.F16);
    boolean plain = m.source().tensor("blk.0.attn_q.weight").type() == DataType.F32;
    return plain ? Stream.concat(both, Stream.of(DataType.Q8_0, DataType.Q4_0)) : both;
  }

  private DynamicTest agreement(TestModel m, DataType kvType) {
    DataType type = m.source().tensor("blk.0.attn_q.weight").type();
    // F32 sums through four layers; a cache turns an F32 difference into one of its step at times
    Bound bound = Bound.absolute(kvType == DataType.F32 ? 1e-3 : 1e-2);
    return DynamicTest.dynamicTest(
        m.source().name() + " " + type + ", cache " + kvType,
        () -> {
          UnaryOperator<CompileSpec> change = spec -> spec.withKvType(kvType);
          try (ModelSession ours = new ModelSession(backend(), m, change);
              ModelSession theirs = new ModelSession(new ReferenceBackend(), m, change)) {
            List<float[]> want = theirs.runner().prefill(0, 9, PROMPT);
            List<float[]> got = ours.runner().prefill(0, 9, PROMPT);
            for (int row = 0; row < want.size(); row++) {
              bound.check("row " + row, want.get(row), got.get(row));
            }
          }
        });
  }

  /** A prompt may be cut into steps anywhere. */
  @TestFactory
  public Stream<DynamicTest> chunkedPrefillIsWholePrefill() {
    return each(
        DataType.Q8_0,
        (m, mode) -> {
          List<float[]> want = whole(m, mode, PROMPT);
          try (ModelSession s = new ModelSession(backend(), m, mode)) {
            for (int chunk : new int[] {1, 2, 3, 7, 16}) {
              s.runner().forget(0);
              checkSame("chunks of " + chunk, want, s.runner().prefill(0, chunk, PROMPT));
            }
          }
        });
  }

  /** Blocks are rounded within a head of a token's row: what a token sees is the same as ever. */
  @TestFactory
  public Stream<DynamicTest> blocksOfTheCacheDependOnTheirTokenOnly() {
    return Stream.of(DataType.Q8_0, DataType.Q4_0)
        .flatMap(kv ->
            decoders(DataType.Q8_0).stream()
                .map(m ->
                    DynamicTest.dynamicTest(
                        m.source().name() + ", cache " + kv,
                        () -> checkBlocks(m, spec -> spec.withKvType(kv)))));
  }

  private void checkBlocks(TestModel m, UnaryOperator<CompileSpec> how) {
    List<float[]> want = whole(m, how, PROMPT);
    List<Graph> stages = List.of(m.graph());
    try (ModelSession s = new ModelSession(backend(), m, stages, how, Cells.SCATTERED)) {
      SequenceRunner r = s.runner();
      checkSame("one by one", want, r.prefill(3, 1, PROMPT));
      List<float[]> got = new ArrayList<>(r.prefill(0, 16, Arrays.copyOf(PROMPT, 13)));
      r.fork(0, 1, 13);
      for (int at = 13; at < PROMPT.length; at++) {
        got.add(r.add(2, at, 7).add(1, PROMPT[at]).add(0, 95 - at).run().get(2));
      }
      checkSame("forked, among others", want, got);
    }
  }

  /** Neighbours in a step do not matter. */
  @TestFactory
  public Stream<DynamicTest> neighboursDoNotChangeARow() {
    return each(
        DataType.Q4_0,
        (m, mode) -> {
          List<float[]> want = whole(m, mode, PROMPT);
          try (ModelSession s = new ModelSession(backend(), m, mode)) {
            SequenceRunner r = s.runner();
            List<float[]> got = new ArrayList<>();
            for (int at = 0; at < PROMPT.length; at++) {
              r.add(2, at, at + 1);
              r.add(0, PROMPT[at]);
              if (at % 3 == 0) {
                r.add(3, 95 - at, 7, at);
              }
              got.add(r.run().get(2));
            }
            checkSame("among others", want, got);
          }
        });
  }

  /** The place of rows in the cache does not matter. */
  @TestFactory
  public Stream<DynamicTest> cellsDoNotChangeARow() {
    return each(
        DataType.F32,
        (m, mode) -> {
          List<Graph> stages = List.of(m.graph());
          try (ModelSession s = new ModelSession(backend(), m, stages, mode, Cells.SCATTERED)) {
            s.runner().add(1, 9, 8, 7).run();
            checkSame("scattered", whole(m, mode, PROMPT), s.runner().prefill(0, 4, PROMPT));
          }
        });
  }

  /** A sequence may start as the beginning of another, without copying. */
  @TestFactory
  public Stream<DynamicTest> forkedSequenceGoesOnAsIfItHadBeenAlone() {
    return each(
        DataType.Q8_0,
        (m, mode) -> {
          int[] other = Arrays.copyOf(PROMPT, 15);
          other[13] = 1;
          other[14] = 2;
          try (ModelSession s = new ModelSession(backend(), m, mode)) {
            SequenceRunner r = s.runner();
            r.add(0, Arrays.copyOf(PROMPT, 13)).run();
            r.fork(0, 2, 13);
            r.add(2, 1, 2).add(0, PROMPT[13], PROMPT[14]);
            List<float[]> got = r.run();
            checkSame("copy", whole(m, mode, other).subList(13, 15), got.subList(0, 2));
            checkSame("origin", whole(m, mode, PROMPT).subList(13, 15), got.subList(2, 4));
          }
        });
  }

  /** A step that wants nothing still fills the cache. */
  @TestFactory
  public Stream<DynamicTest> stepWithoutWantedRowsIsLegal() {
    return each(
        DataType.Q8_0,
        (m, mode) -> {
          int last = PROMPT.length - 1;
          try (ModelSession s = new ModelSession(backend(), m, mode)) {
            s.runner().add(0, Optional.empty(), Arrays.copyOf(PROMPT, last));
            Assertions.assertEquals(List.of(), s.runner().run());
            List<float[]> got = s.runner().add(0, PROMPT[last]).run();
            checkSame("last", whole(m, mode, PROMPT).subList(last, last + 1), got);
          }
        });
  }

  /** Candidates are picked from the full row. */
  @TestFactory
  public Stream<DynamicTest> candidatesAreThoseOfTheFullRow() {
    return each(
        DataType.Q8_0,
        (m, mode) -> {
          List<float[]> full = whole(m, mode, PROMPT);
          for (int k : new int[] {0, 1, 5, 40}) {
            List<Integer> ids = List.of(95, 0, 7);
            try (ModelSession s = new ModelSession(backend(), m, mode)) {
              SequenceRunner r = s.runner();
              r.add(0, Optional.of(new Output.Candidates(k, ids)), PROMPT);
              r.run();
              for (int row = 0; row < PROMPT.length; row++) {
                MemorySegment got = s.chain().last().outputRow(row);
                checkCandidates(full.get(row), k, ids, got);
              }
            }
          }
        });
  }

  private void checkCandidates(float[] full, int k, List<Integer> ids, MemorySegment got) {
    Bound same = sameBits() ? Bound.EQUAL : Bound.absolute(1e-3);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < full.length; i++) {
      order.add(i);
    }
    // stable: of equal logits the lower id stays first
    order.sort((a, b) -> Float.compare(full[b], full[a]));
    float[] want = new float[k + ids.size()];
    float[] logits = new float[want.length];
    for (int j = 0; j < k; j++) {
      int id = got.getAtIndex(ValueLayout.JAVA_INT, j);
      if (sameBits()) {
        Assertions.assertEquals(order.get(j), id, "id of candidate " + j);
      }
      want[j] = full[order.get(j)];
    }
    for (int j = 0; j < ids.size(); j++) {
      want[k + j] = full[ids.get(j)];
    }
    MemorySegment.copy(got, ValueLayout.JAVA_FLOAT, 4L * k, logits, 0, logits.length);
    same.check("raw logits", want, logits);
    double sum = 0;
    for (float x : full) {
      sum += Math.exp(x);
    }
    float logSum = got.getAtIndex(ValueLayout.JAVA_FLOAT, 2L * k + ids.size());
    // one logarithm of a sum of exponentials within 1e-6 each
    Assertions.assertEquals(Math.log(sum), logSum, 1e-4, "log-sum-exp");
  }

  /** A graph may be cut before any layers. */
  @TestFactory
  public Stream<DynamicTest> stagesComputeWhatTheWholeComputes() {
    return each(
        DataType.Q8_0,
        (m, mode) -> {
          List<float[]> want = whole(m, mode, PROMPT);
          for (List<Mark> points :
              List.of(
                  List.of(Mark.layer(2)),
                  List.of(Mark.layer(0), Mark.layer(1), Mark.layer(3), Mark.OUTPUT))) {
            List<Graph> stages = m.graph().cut(points);
            try (ModelSession s = new ModelSession(backend(), m, stages, mode, Cells.ASCENDING)) {
              checkSame("cut at " + points, want, s.runner().prefill(0, 8, PROMPT));
            }
          }
        });
  }

  /** Integers cross a cut as I32. */
  @Test
  public void integersCrossACut() {
    TestWeights w = new TestWeights(SEED);
    TensorView a = w.random("a", DataType.F32, 8, 96);
    TensorView b = w.random("b", DataType.F32, 8, 96);
    GraphBuilder g = new GraphBuilder();
    List<Value> best = g.topK(g.rows(a, g.tokens()), 3);
    g.mark(Mark.layer(0));
    Value picked = g.gather(g.rows(b, g.tokens()), best.get(1));
    g.logits(g.wanted(g.add(picked, best.get(0))));
    Graph graph = g.build();
    List<Graph> stages = graph.cut(List.of(Mark.layer(0)));
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(graph, 32, 1, 0);
      List<List<float[]>> results = new ArrayList<>();
      for (List<Graph> part : List.of(List.of(graph), stages)) {
        try (Chain chain = Chain.of(backend(), device(), w, part, spec)) {
          results.add(new SequenceRunner(chain, graph, spec.limits()).add(0, PROMPT).run());
        }
      }
      checkSame("cut", results.get(0), results.get(1));
      Assertions.assertTrue(results.getFirst().getFirst()[0] != 0);
    }
  }

  /** Embeddings that the host supplies take the place of those of a token. */
  @Test
  public void suppliedEmbeddingsStandForTokens() {
    TestModel m = TestModel.gptOss(DataType.F32, SEED);
    TensorView table = m.source().tensor("token_embd.weight");
    float[][] rows = new float[5][TestModel.EMBEDDING];
    for (int i = 0; i < rows.length; i++) {
      RowDecoder.decode(table.type(), m.weights().row(table, PROMPT[4 + i]), rows[i]);
    }
    try (ModelSession s = new ModelSession(backend(), m, ProgramContract::supplying)) {
      SequenceRunner r = s.runner();
      r.add(0, Arrays.copyOf(PROMPT, 4)).addSupplied(0, rows);
      r.add(0, Arrays.copyOfRange(PROMPT, 9, PROMPT.length));
      checkSame("supplied", whole(m, UnaryOperator.identity(), PROMPT), r.run());
    }
  }

  private static CompileSpec supplying(CompileSpec spec) {
    Limits l = spec.limits();
    return spec.withLimits(
        new Limits(l.maxTokens(), l.maxWanted(), l.maxSequences(), l.cells(), true));
  }

  /** Encoders give one row per sequence, whatever the neighbours. */
  @Test
  public void pooledRowsAreThoseOfTheReferenceAndOfEachSequenceAlone() {
    TestModel m = TestModel.encoder(DataType.Q8_0, SEED);
    Backend reference = new ReferenceBackend();
    try (ModelSession ours = new ModelSession(backend(), m);
        ModelSession theirs = new ModelSession(reference, m)) {
      List<float[]> want = encode(theirs.runner());
      List<float[]> got = encode(ours.runner());
      Assertions.assertEquals(2, got.size());
      for (int i = 0; i < got.size(); i++) {
        Bound.absolute(1e-3).check("sequence " + i, want.get(i), got.get(i));
      }
      ours.runner().forget(0);
      ours.runner().forget(1);
      List<float[]> alone = ours.runner().add(0, Arrays.copyOf(PROMPT, 9)).run();
      checkSame("alone", got.subList(1, 2), alone);
    }
  }

  private static List<float[]> encode(SequenceRunner r) {
    return r.add(0, PROMPT).add(1, Arrays.copyOf(PROMPT, 9)).run();
  }
}
