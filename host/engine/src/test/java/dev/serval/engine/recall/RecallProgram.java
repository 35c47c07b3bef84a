package dev.serval.engine.recall;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Value;
import dev.serval.api.kv.SequenceSet;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.engine.kv.SharedCells;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A program without arithmetic: the next token is a hash of the tokens that each group's attention
 * sees, recalled through the cells that the runner chose. A wrong cell, interval or history gives
 * other tokens, or an error where a cell holds something else than it should.
 *
 * <p>Tests hold it back, poison a token, or let it run out of time.
 */
public final class RecallProgram implements Program {

  public static final int WINDOW = 6;

  /** Sequences beyond those that run. */
  public static final int KEPT_TEXTS = 4;

  /** A token after which all logits are not numbers. */
  public static final int POISON = LetterTokenizer.id('z');

  private record Place(int sequence, int position) {}

  /** What a cell holds. */
  record Held(int position, int token) {}

  private final StepLayout layout;
  private final List<Map<Place, Integer>> cellOf = new ArrayList<>();
  private final List<Map<Integer, Held>> inCell = new ArrayList<>();
  private final List<List<List<Integer>>> pooledTexts = new ArrayList<>();
  private final RecallRows rows;
  private @Nullable Step submitted;
  private boolean interrupted;
  private boolean holding;
  private int steps;
  private boolean closed;
  private volatile boolean newStepFails;

  public RecallProgram(int contextLength, int maxSequences, int maxTokens, int windowMemory) {
    this(graph(), limits(contextLength, maxSequences, maxTokens, windowMemory));
  }

  public RecallProgram(Graph graph, CompileSpec.Limits limits) {
    layout = new StepLayout(graph, limits);
    for (int g = 0; g < graph.groups().size(); g++) {
      cellOf.add(new HashMap<>());
      inCell.add(new HashMap<>());
    }
    rows = new RecallRows(graph, inCell);
  }

  private static CompileSpec.Limits limits(
      int contextLength, int maxSequences, int maxTokens, int windowMemory) {
    return new CompileSpec.Limits(
        maxTokens,
        Math.min(maxTokens, Math.max(maxSequences, 4)),
        Math.min(SequenceSet.MAX_SEQUENCES, maxSequences + KEPT_TEXTS),
        SharedCells.of(graph().groups(), contextLength, maxSequences, maxTokens, windowMemory),
        false);
  }

  /** The tensor that a file for this program has. */
  public static TensorInfo tensor() {
    return new TensorInfo("token_embd.weight", DataType.F32, Shape.of(4, LetterTokenizer.VOCAB));
  }

  public static Graph graph() {
    GraphBuilder g = new GraphBuilder();
    describe(TensorView.of(tensor()), g);
    return g.build();
  }

  public static void describe(TensorView table, GraphBuilder g) {
    Value x = g.rows(table, g.tokens());
    for (MaskKind mask : List.of(MaskKind.CAUSAL, MaskKind.sliding(WINDOW))) {
      AttentionSpec spec = new AttentionSpec(1, 1, 4, 1, mask);
      Value heads = g.heads(x, 1);
      x = g.joined(g.attend(heads, g.kvStore(g.slot(spec, Optional.empty()), heads, heads), spec));
    }
    g.logits(g.matmul(table, g.wanted(x)));
  }

  /** A program that pools whole texts, in {@link #pooled}; has no cache. */
  public static RecallProgram encoder(int maxTokens, int maxSequences) {
    GraphBuilder g = new GraphBuilder();
    g.wholeSequences();
    g.pooled(g.poolMean(g.rows(TensorView.of(tensor()), g.tokens())));
    return new RecallProgram(
        g.build(), new CompileSpec.Limits(maxTokens, 0, maxSequences, List.of(), false));
  }

  /** What an encoder makes of a text, [4]; not numbers if there is poison in it. */
  public static float[] pooled(int... text) {
    float sum = 0;
    for (int token : text) {
      sum += token == POISON ? Float.NaN : token;
    }
    return new float[] {sum, text[0], text[text.length - 1], text.length - 1};
  }

  /** The token that follows a text, computed from the text alone. */
  public static int next(List<Integer> text) {
    int last = text.size() - 1;
    int hash = hash(17, text.subList(0, text.size()));
    hash = hash(hash, text.subList(Math.max(0, last - WINDOW + 1), text.size()));
    return 2 + Math.floorMod(hash, LetterTokenizer.VOCAB - 3);
  }

  private static int hash(int hash, List<Integer> tokens) {
    for (int token : tokens) {
      hash = hash * 31 + token;
    }
    return hash * 31 + tokens.size();
  }

  public StepLayout layout() {
    return layout;
  }

  /** Keeps steps from ending until {@link #letGo}, an interrupt, or their deadline. */
  public synchronized void hold() {
    holding = true;
  }

  public synchronized void letGo() {
    holding = false;
    notifyAll();
  }

  /** The texts of each step that an encoder computed. */
  public synchronized List<List<List<Integer>>> pooledTexts() {
    return List.copyOf(pooledTexts);
  }

  /** Waits until that many steps were submitted in all. */
  public synchronized void awaitSteps(int n) throws InterruptedException {
    while (steps < n) {
      wait();
    }
  }

  public synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public synchronized void submit(Step step) {
    if (closed || submitted != null) {
      throw new IllegalStateException("closed, or a step is under way");
    }
    submitted = step;
    steps++;
    notifyAll();
  }

  @Override
  public synchronized Outcome await(Step step, long deadlineNanos) {
    try {
      while (holding && !interrupted) {
        long millis = (deadlineNanos - System.nanoTime()) / 1_000_000;
        if (millis <= 0) {
          return new Outcome.Lost("held for too long");
        }
        wait(millis);
      }
      if (interrupted) {
        return Outcome.aborted();
      }
      compute(step);
      return Outcome.done();
    } catch (InterruptedException e) {
      return new Outcome.Lost("interrupted");
    } finally {
      submitted = null;
      interrupted = false;
    }
  }

  @Override
  public synchronized void interrupt() {
    if (submitted != null) {
      interrupted = true;
      notifyAll();
    }
  }

  private void pool(Step step) {
    List<List<Integer>> texts = new ArrayList<>();
    for (int i = 0; i < step.runs(); i++) {
      int first = step.runStart(i);
      int n = step.runStart(i + 1) - first;
      int[] text = new int[n];
      for (int position = 0; position < n; position++) {
        if (step.position(first + position) != position) {
          throw new IllegalStateException("a text does not start at its beginning");
        }
        text[position] = step.tokenId(first + position);
      }
      step.outputRow(i).copyFrom(MemorySegment.ofArray(pooled(text)));
      texts.add(Arrays.stream(text).boxed().toList());
    }
    pooledTexts.add(texts);
  }

  private void compute(Step step) {
    if (layout.graph().wholeSequences()) {
      pool(step);
      return;
    }
    for (int i = 0; i < step.moves(); i++) {
      Place place = new Place(step.move(i, 1), step.move(i, 2));
      cellOf.get(step.move(i, 0)).put(place, step.move(i, 3));
    }
    int output = 0;
    for (int row = 0; row < step.tokens(); row++) {
      Place place = new Place(step.sequence(row), step.position(row));
      for (int g = 0; g < cellOf.size(); g++) {
        int cell = step.cell(g, row);
        cellOf.get(g).put(place, cell);
        inCell.get(g).put(cell, new Held(step.position(row), step.tokenId(row)));
      }
      if (output < step.wanted() && step.wantedRow(output) == row) {
        logits(step, row, step.outputRow(output));
        if (step.output(output) instanceof Output.Candidates best) {
          select(step.outputRow(output), best.k());
        }
        output++;
      }
    }
  }

  private void logits(Step step, int row, MemorySegment logits) {
    int hash = 17;
    for (int g = 0; g < cellOf.size(); g++) {
      List<Integer> seen = new ArrayList<>();
      for (int position = step.from(g, row); position < step.until(g, row); position++) {
        Place place = new Place(step.sequence(row), position);
        Integer cell = cellOf.get(g).get(place);
        Held held = cell == null ? null : inCell.get(g).get(cell);
        if (held == null || held.position() != position) {
          throw new IllegalStateException("group " + g + ": " + place + " is not in the cache");
        }
        seen.add(held.token());
      }
      hash = hash(hash, seen);
    }
    boolean poisoned = step.tokenId(row) == POISON;
    int next = 2 + Math.floorMod(hash, LetterTokenizer.VOCAB - 3);
    for (int i = 0; i < LetterTokenizer.VOCAB; i++) {
      logits.setAtIndex(ValueLayout.JAVA_FLOAT, i, poisoned ? Float.NaN : i == next ? 1 : -1);
    }
  }

  /** Replaces a row of logits by its k best, as {@link Output.Candidates} asks. */
  public static void select(MemorySegment row, int k) {
    float[] logits = row.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    boolean[] taken = new boolean[logits.length];
    for (int i = 0; i < k; i++) {
      int best = -1;
      for (int id = 0; id < logits.length; id++) {
        if (!taken[id] && (best < 0 || logits[id] > logits[best])) {
          best = id;
        }
      }
      taken[best] = true;
      row.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i, best);
      row.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, k + i, logits[best]);
    }
    row.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, 2L * k, (float) Math.log(sum));
  }

  @Override
  public String numericsId() {
    return "recall";
  }

  @Override
  public Device device() {
    return new Device("test", "recall", "test", new DeviceProfile(0, 1, 0, Map.of()));
  }

  @Override
  public MemoryUse use() {
    return new MemoryUse(BufferPool.leasedBytes(1), 0, 0, 0);
  }

  /** Makes {@link #newStep} throw. */
  void failNewStep(boolean fail) {
    newStepFails = fail;
  }

  @Override
  public Step newStep() {
    if (newStepFails) {
      throw new UnsupportedOperationException("told to fail in newStep");
    }
    Arena arena = Arena.ofShared();
    return new Step(
        layout, arena.allocate(layout.bytes(), StepLayout.ALIGNMENT_BYTES), arena::close);
  }

  @Override
  public RecallRows kv() {
    return rows;
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
