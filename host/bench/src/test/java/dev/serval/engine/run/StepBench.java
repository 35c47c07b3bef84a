package dev.serval.engine.run;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.error.ServalException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Value;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.settings.Settings;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.engine.kv.KvCache;
import dev.serval.engine.kv.KvCells;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.memory.PoolOptions;
import dev.serval.engine.memory.TieredBufferPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the runner thread does before a step: choose what is computed, take cells, state what each
 * token sees, in two groups of caches, one with a window. And what it notes when the step is done.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class StepBench {

  private static final int MAX_SEQUENCES = 64;
  private static final int MAX_TOKENS = 512;
  private static final int WINDOW = 512;

  /** Tokens after which a text begins anew, which costs little beside as many. */
  private static final int LONGEST = 1 << 14;

  /** Sequences in the step, and tokens of each: decode, decode of many, prefill. */
  @Param({"1x1", "64x1", "1x512"})
  public String rows = "1x1";

  private final Graph graph = graph();
  private final List<Integer> sizes = List.of(1 << 17, 1 << 17);
  private final StepLayout layout =
      new StepLayout(
          graph, new CompileSpec.Limits(MAX_TOKENS, MAX_SEQUENCES, MAX_SEQUENCES, sizes, false));
  private final Step step = new Step(layout, Arena.ofAuto().allocate(layout.bytes(), 64), () -> {});
  private final KvCells cells = new KvCells(graph.groups(), sizes, MAX_TOKENS, 0);
  private final KvCache cache = new KvCache(cells, List.of(new NoRows(graph)), host(), 0);
  private final Scheduler scheduler =
      new Scheduler(
          new Scheduler.Limits(MAX_SEQUENCES, MAX_TOKENS, MAX_SEQUENCES, MAX_TOKENS, false),
          () -> MAX_SEQUENCES,
          new LongAdder());
  private final Batch batch = new Batch(MAX_SEQUENCES);
  private final StepFiller filler =
      new StepFiller(
          step,
          cells,
          new PrefixCache(cache, MAX_SEQUENCES, scheduler.active()),
          new OutputRows("bench", step));
  private final List<Endless> texts = new ArrayList<>();

  /** For JMH. */
  public StepBench() {}

  private static Graph graph() {
    GraphBuilder g = new GraphBuilder();
    TensorView table = TensorView.of(new TensorInfo("embd", DataType.F32, Shape.of(4, 8)));
    Value x = g.rows(table, g.tokens());
    for (MaskKind mask : List.of(MaskKind.CAUSAL, MaskKind.sliding(WINDOW))) {
      AttentionSpec spec = new AttentionSpec(1, 1, 4, 1, mask);
      Value heads = g.heads(x, 1);
      x = g.joined(g.attend(heads, g.kvStore(g.slot(spec, Optional.empty()), heads, heads), spec));
    }
    g.logits(g.matmul(table, g.wanted(x)));
    return g.build();
  }

  private static CompileSpec.Resources host() {
    return new CompileSpec.Resources(
        "bench",
        new TieredBufferPool(PoolOptions.of(Settings.ofProcess(Map.of()))),
        new DeviceBudget(0),
        new Metrics());
  }

  /** Admits the sequences. */
  @Setup(Level.Trial)
  public void admit() {
    int by = rows.indexOf('x');
    int n = Integer.parseInt(rows.substring(0, by));
    int tokens = Integer.parseInt(rows.substring(by + 1));
    for (int i = 0; i < n; i++) {
      Endless text = new Endless(tokens);
      text.admit(i);
      text.unpark(0);
      texts.add(text);
      scheduler.submit(text);
    }
    scheduler.admit(s -> {}, s -> {});
  }

  @Benchmark
  public int prepare() {
    scheduler.plan(batch);
    filler.fill(batch);
    cells.settle();
    for (int i = 0; i < texts.size(); i++) {
      Endless text = texts.get(i);
      text.advance(batch.count(i));
      if (text.computed() >= LONGEST) {
        cells.remove(text.number(), 0);
        text.unpark(0);
      }
    }
    return step.tokens();
  }

  /** A text of which as many tokens are known as one step takes; the last is wanted. */
  private static final class Endless extends Sequence {

    private final int known;

    Endless(int known) {
      this.known = known;
    }

    @Override
    int length() {
      return computed() + known;
    }

    @Override
    int token(int position) {
      return position & 3;
    }

    @Override
    boolean wants(int position) {
      return position == length() - 1;
    }

    @Override
    int wanted(int n) {
      return n == known ? 1 : 0;
    }

    @Override
    void take(int position, MemorySegment row) {}

    @Override
    boolean isEnded() {
      return false;
    }

    @Override
    void endCancelled() {}

    @Override
    void fail(ServalException failure) {
      throw failure;
    }
  }

  /** Caches without rows. */
  private record NoRows(Graph graph) implements KvStorage {

    @Override
    public KvFormat format() {
      List<KvSlot> slots = new ArrayList<>();
      for (KvGroup g : graph.groups()) {
        slots.addAll(g.slots());
      }
      return new KvFormat(KvFormat.VERSION, graph.digest(), DataType.F32, slots);
    }

    @Override
    public void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target) {}

    @Override
    public void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment rows) {}

    @Override
    public List<String> shiftProblems() {
      return List.of("no rows");
    }

    @Override
    public void shiftKeys(KvSlot slot, MemorySegment cells, int by) {}
  }
}
