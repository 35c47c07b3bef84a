package dev.serval.tck;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.NamedValue;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.ModelSession.Cells;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.ops.Bound;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.SequenceRunner;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A graph hands out any of its values without computing anything else: fusions and shared memory
 * make room for whoever looks, and do not show.
 */
public abstract class ObservedValuesContract extends BackendContract {

  /** Longer than the window of the models, 6. */
  private static final int[] PROMPT = {3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26, 43};

  private static final int NEIGHBOUR = 9;
  private static final long SEED = 8;

  /** For subclasses. */
  protected ObservedValuesContract() {}

  private static List<TestModel> models(DataType type) {
    return List.of(
        TestModel.gemma3(type, SEED),
        TestModel.gptOss(type, SEED),
        TestModel.gemma3n(type, SEED),
        TestModel.gemma4(type, SEED),
        TestModel.encoder(type, SEED));
  }

  /** What came of a run: result rows, and the rows of each observed value by name. */
  private static final class Result {
    private final List<float[]> rows = new ArrayList<>();
    private final Map<String, List<float[]>> values = new LinkedHashMap<>();

    List<float[]> of(String name) {
      return values.getOrDefault(name, List.of());
    }
  }

  /** Runs the prompt beside another text, the last token alone; not all rows are wanted. */
  private static Result run(ModelSession s, Graph whole) {
    Result result = new Result();
    SequenceRunner r = s.runner();
    int split = whole.wholeSequences() ? PROMPT.length : PROMPT.length - 1;
    r.add(1, NEIGHBOUR);
    for (int at = 0; at < split; at++) {
      r.add(0, at % 3 == 1 ? Optional.empty() : Optional.of(Output.full()), PROMPT[at]);
    }
    collect(s, whole, r.run(), result);
    if (split < PROMPT.length) {
      collect(s, whole, r.add(0, PROMPT[split]).run(), result);
    }
    return result;
  }

  private static void collect(ModelSession s, Graph whole, List<float[]> rows, Result result) {
    result.rows.addAll(rows);
    Map<Value, String> names = new LinkedHashMap<>();
    for (NamedValue v : whole.namedValues()) {
      names.put(v.value(), v.name());
    }
    for (Step step : s.chain().steps()) {
      Graph graph = step.layout().graph();
      for (int i = 0; i < graph.boundaryOutputs().size(); i++) {
        Value v = graph.boundaryOutputs().get(i);
        String name = names.getOrDefault(v, v.toString()); // a reshape may cross a cut
        float[] elements = elements(step.boundaryOutput(i), v, rows(v.type().first(), step));
        result.values.computeIfAbsent(name, n -> new ArrayList<>()).add(elements);
      }
    }
  }

  private static int rows(Dim first, Step step) {
    return switch (first.kind()) {
      case FIXED -> first.size();
      case TOKENS -> step.tokens();
      case WANTED -> step.wanted();
      case SEQUENCES -> step.runs();
    };
  }

  private static float[] elements(MemorySegment data, Value v, int rows) {
    float[] all = new float[rows * v.type().width()];
    for (int i = 0; i < all.length; i++) {
      all[i] =
          v.type().type() == DataType.F32
              ? data.getAtIndex(ValueLayout.JAVA_FLOAT, i)
              : data.getAtIndex(ValueLayout.JAVA_INT, i);
    }
    return all;
  }

  private static Graph observingAll(Graph graph) {
    return graph.observing(graph.namedValues().stream().map(NamedValue::value).toList());
  }

  private void checkSame(String what, List<float[]> want, List<float[]> got) {
    // where sums have no fixed order, another one through a few layers
    check(sameBits() ? Bound.EQUAL : new Bound(1e-3, 1e-3), what, want, got);
  }

  private static void check(Bound bound, String what, List<float[]> want, List<float[]> got) {
    Assertions.assertEquals(want.size(), got.size(), what);
    for (int i = 0; i < want.size(); i++) {
      bound.check(what + ", row or step " + i, want.get(i), got.get(i));
    }
  }

  private Result run(TestModel m, List<Graph> stages, UnaryOperator<CompileSpec> how) {
    try (ModelSession s = new ModelSession(backend(), m, stages, how, Cells.ASCENDING)) {
      return run(s, m.graph());
    }
  }

  /** The result has the same bits, whether every value is looked at or none. */
  @TestFactory
  public Stream<DynamicTest> observingChangesNoBit() {
    List<DynamicTest> tests = new ArrayList<>();
    for (TestModel m : models(DataType.Q8_0)) {
      for (CompileSpec.Mode mode : CompileSpec.Mode.values()) {
        tests.add(
            DynamicTest.dynamicTest(
                m.source().name() + " " + mode,
                () -> {
                  UnaryOperator<CompileSpec> how = spec -> spec.withMode(mode);
                  Result want = run(m, List.of(m.graph()), how);
                  Result got = run(m, List.of(observingAll(m.graph())), how);
                  Assertions.assertEquals(Map.of(), want.values);
                  Assertions.assertEquals(m.graph().namedValues().size(), got.values.size());
                  checkSame("result", want.rows, got.rows);
                }));
      }
    }
    return chosen(tests);
  }

  /** Each value, in exact mode. */
  @TestFactory
  public Stream<DynamicTest> observedValuesAreThoseOfTheReference() {
    // F32 sums through a few layers, of values that grow on the way
    Bound bound = new Bound(1e-3, 1e-3);
    List<DynamicTest> tests = new ArrayList<>();
    for (TestModel m : models(DataType.F32)) {
      tests.add(
          DynamicTest.dynamicTest(
              m.source().name(),
              () -> {
                List<Graph> graph = List.of(observingAll(m.graph()));
                try (ModelSession theirs =
                    new ModelSession(
                        new ReferenceBackend(), m, graph, spec -> spec, Cells.ASCENDING)) {
                  Result want = run(theirs, m.graph());
                  Result got = run(m, graph, spec -> spec);
                  Assertions.assertEquals(want.values.keySet(), got.values.keySet());
                  want.values.forEach((name, steps) -> check(bound, name, steps, got.of(name)));
                }
              }));
    }
    return chosen(tests);
  }

  /** A stage hands out its own, beside what the next one takes. */
  @TestFactory
  public Stream<DynamicTest> stagesHandOutWhatTheWholeDoes() {
    List<DynamicTest> tests = new ArrayList<>();
    for (TestModel m :
        List.of(TestModel.gemma3(DataType.Q8_0, SEED), TestModel.gptOss(DataType.Q8_0, SEED))) {
      tests.add(
          DynamicTest.dynamicTest(
              m.source().name(),
              () -> {
                Graph observing = observingAll(m.graph());
                List<Mark> points = List.of(Mark.layer(1), Mark.layer(2), Mark.OUTPUT);
                Result want = run(m, List.of(observing), spec -> spec);
                Result got = run(m, observing.cut(points), spec -> spec);
                checkSame("result", want.rows, got.rows);
                want.values.forEach((name, steps) -> checkSame(name, steps, got.of(name)));
              }));
    }
    return chosen(tests);
  }
}
