package dev.serval.tck.run;

import dev.serval.api.backend.CompileSpec.Limits;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.kv.KvGroup;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;

/**
 * Feeds token lists through a {@link Chain}: counts positions, hands out cells, states what each
 * token sees, and collects the results. Window groups keep only what later tokens can see. Confined
 * to one thread.
 *
 * <pre>
 * runner.add(0, 5, 6, 7);            // three tokens of sequence 0
 * runner.add(1, 5);                  // and one of sequence 1, in the same step
 * List&lt;float[]&gt; logits = runner.run();   // one row per token
 * </pre>
 */
public final class SequenceRunner {

  /** One token of the next step; a supplied embedding is empty where there is none. */
  private static final class Row {
    private final int token;
    private final int position;
    private final int sequence;
    private final int[] cells;
    private final float[] supplied;
    private final Optional<Output> want;

    Row(
        int token,
        int position,
        int sequence,
        int[] cells,
        float[] supplied,
        Optional<Output> want) {
      this.token = token;
      this.position = position;
      this.sequence = sequence;
      this.cells = cells;
      this.supplied = supplied;
      this.want = want;
    }
  }

  private record Move(int group, int sequence, int position, int cell) {}

  private final Chain chain;
  private final Graph whole;
  private final List<CellLedger> ledgers = new ArrayList<>();
  private final int[] lengths;
  private final List<Row> rows = new ArrayList<>();
  private final List<Move> moves = new ArrayList<>();

  /**
   * Creates a runner of empty sequences that takes the lowest free cell each time.
   *
   * @param whole the graph before it was cut
   * @param limits what it was compiled for
   */
  public SequenceRunner(Chain chain, Graph whole, Limits limits) {
    this(chain, whole, limits, free -> 0);
  }

  /** Creates a runner of empty sequences that takes free cells at random. */
  public static SequenceRunner scattered(Chain chain, Graph whole, Limits limits, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return new SequenceRunner(chain, whole, limits, random::nextInt);
  }

  private SequenceRunner(Chain chain, Graph whole, Limits limits, IntUnaryOperator pick) {
    this.chain = chain;
    this.whole = whole;
    this.lengths = new int[limits.maxSequences()];
    for (KvGroup g : whole.groups()) {
      int cells = limits.cells().get(g.index());
      ledgers.add(new CellLedger(g.mask(), cells, limits.maxSequences(), pick));
    }
  }

  /** Adds tokens of a sequence to the next step and asks for all logits after each. */
  public SequenceRunner add(int sequence, int... tokens) {
    return add(sequence, Optional.of(Output.full()), tokens);
  }

  /** Adds tokens of a sequence to the next step and asks for the same after each. */
  public SequenceRunner add(int sequence, Optional<Output> want, int... tokens) {
    for (int t : tokens) {
      add(t, sequence, new float[0], want);
    }
    return this;
  }

  /** Adds tokens whose embeddings are supplied, [embeddingWidth] each. */
  public SequenceRunner addSupplied(int sequence, float[]... embeddings) {
    for (float[] e : embeddings) {
      add(Step.SUPPLIED, sequence, e, Optional.of(Output.full()));
    }
    return this;
  }

  private void add(int token, int sequence, float[] supplied, Optional<Output> want) {
    int position = lengths[sequence];
    boolean first = rows.stream().noneMatch(r -> r.sequence == sequence);
    int[] cells = new int[ledgers.size()];
    for (KvGroup g : whole.groups()) {
      if (!g.slots().isEmpty()) {
        CellLedger ledger = ledgers.get(g.index());
        if (first) {
          ledger.prune(sequence, position);
        }
        cells[g.index()] = ledger.take(sequence, position);
      }
    }
    lengths[sequence]++;
    rows.add(new Row(token, position, sequence, cells, supplied, want));
  }

  /** Tokens of a sequence so far, those of the next step included. */
  public int length(int sequence) {
    return lengths[sequence];
  }

  /** Position → cell of what a sequence holds in a group, ascending. */
  public Map<Integer, Integer> cells(int group, int sequence) {
    return Map.copyOf(ledgers.get(group).cells(sequence));
  }

  /** Makes {@code to} share the first {@code length} tokens of {@code from}; nothing is copied. */
  public void fork(int from, int to, int length) {
    for (KvGroup g : whole.groups()) {
      ledgers
          .get(g.index())
          .share(from, to, length)
          .forEach((position, cell) -> moves.add(new Move(g.index(), to, position, cell)));
    }
    lengths[to] = length;
  }

  /**
   * Makes a sequence hold {@code length} tokens that another runner stored and whose rows were
   * imported: takes cells for what is visible and tells the program with the next step.
   */
  public void adopt(int sequence, int length) {
    forget(sequence);
    for (KvGroup g : whole.groups()) {
      int from = g.slots().isEmpty() ? length : g.mask().visibleFrom(length);
      for (int p = from; p < length; p++) {
        int cell = ledgers.get(g.index()).take(sequence, p);
        moves.add(new Move(g.index(), sequence, p, cell));
      }
    }
    lengths[sequence] = length;
  }

  /** Empties a sequence. */
  public void forget(int sequence) {
    truncate(sequence, 0);
  }

  /** Shortens a sequence. */
  public void truncate(int sequence, int length) {
    ledgers.forEach(l -> l.truncate(sequence, length));
    lengths[sequence] = length;
  }

  /** Runs one sequence in steps of at most {@code chunk} tokens; returns the logits of each. */
  public List<float[]> prefill(int sequence, int chunk, int... tokens) {
    List<float[]> all = new ArrayList<>();
    for (int at = 0; at < tokens.length; at += chunk) {
      add(sequence, Arrays.copyOfRange(tokens, at, Math.min(tokens.length, at + chunk)));
      all.addAll(run());
    }
    return all;
  }

  /** Runs the next step, expecting it to end; returns {@link #results}. */
  public List<float[]> run() {
    Outcome got = run(() -> {}, Chain.PATIENCE_NANOS);
    if (!(got instanceof Outcome.Done)) {
      throw new AssertionError("expected a finished step, got " + got);
    }
    return results();
  }

  /**
   * Runs the next step. If it does not end well, its tokens are taken back.
   *
   * @param afterSubmit called when the step was submitted
   * @param timeoutNanos time it is given
   */
  public Outcome run(Runnable afterSubmit, long timeoutNanos) {
    Outcome outcome = chain.run(this::fill, afterSubmit, timeoutNanos);
    if (outcome instanceof Outcome.Done) {
      moves.clear();
    } else {
      for (Row r : rows) {
        truncate(r.sequence, Math.min(lengths[r.sequence], r.position));
      }
    }
    rows.clear();
    return outcome;
  }

  private void fill(Step step) {
    for (Move m : moves) {
      if (step.layout().limits().cells().get(m.group()) > 0) {
        step.move(m.group(), m.sequence(), m.position(), m.cell());
      }
    }
    for (Row r : rows) {
      int row = step.token(r.token, r.position, r.sequence);
      for (KvGroup g : whole.groups()) {
        int from = g.mask().visibleFrom(r.position);
        int until = g.mask().visibleUntil(r.position, lengths[r.sequence]);
        step.visible(g.index(), row, r.cells[g.index()], from, until);
      }
      if (r.supplied.length > 0 && step.layout().embeddingWidth() > 0) {
        MemorySegment.copy(
            r.supplied, 0, step.supplied(row), ValueLayout.JAVA_FLOAT, 0, r.supplied.length);
      }
      r.want.ifPresent(w -> step.want(row, w));
    }
  }

  /**
   * The rows of the last step's result: one per wanted token, [outputWidth], as they lie in the
   * step; or one per sequence.
   */
  public List<float[]> results() {
    Step last = chain.last();
    boolean pooled = whole.outputKind() == OutputKind.POOLED;
    List<float[]> all = new ArrayList<>();
    for (int i = 0; i < (pooled ? last.runs() : last.wanted()); i++) {
      all.add(last.outputRow(i).toArray(ValueLayout.JAVA_FLOAT));
    }
    return all;
  }
}
