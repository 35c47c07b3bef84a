package dev.serval.backend.cpu.layout;

import dev.serval.api.attention.RopeSpec;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.LayoutOp;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Value;
import dev.serval.api.graph.ValueType;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.kernel.RowForm;
import dev.serval.backend.cpu.layout.Place.Home;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * Where the values of a lowered graph lie while a step runs. Values that enter or leave the program
 * lie in the step itself, constants with the weights, everything else in one buffer in which values
 * that never live together share memory. Pure.
 *
 * <pre>
 * buffer: rope tables · intervals and rows of attention without a cache · scratch per thread · values
 * </pre>
 */
public final class ActivationLayout {

  /**
   * Angles that a step computes once.
   *
   * @param spec frequencies
   * @param positions value that holds the positions
   */
  public record RopeKey(RopeSpec spec, int positions) {}

  /**
   * A value to copy to its second place when the step ends.
   *
   * @param value the value
   * @param target where to, in the step
   */
  public record Handover(Value value, Place target) {}

  private static final int FOREVER = Integer.MAX_VALUE;

  /** What is made of the rows of a value: one for all products that read the same. */
  private record Prepared(int value, RowForm form, int group) {}

  private final Graph graph;
  private final CompileSpec.Limits limits;
  private final Map<Integer, Integer> roots = new HashMap<>();
  private final Map<Integer, Place> places = new HashMap<>();
  private final Map<RopeKey, Long> ropeTables = new LinkedHashMap<>();
  private final Map<Integer, Long> intervals = new LinkedHashMap<>();
  private final Function<TensorView, RowForm> forms;
  private final Map<Prepared, Long> preparedRows = new HashMap<>();
  private final Map<Integer, Long> temporaries = new HashMap<>();
  private final List<Handover> handovers = new ArrayList<>();
  private final long identityOffset;
  private final long scratchOffset;
  private final long scratchBytes;
  private final long bytes;

  /**
   * The layout for a lowered graph.
   *
   * @param step layout of the program's steps
   * @param weights layout of the graph's weights
   * @param forms how products with a weight read activations
   * @param threads members of the team
   * @param scratchBytes scratch memory that each of them needs
   */
  public ActivationLayout(
      Graph graph,
      StepLayout step,
      WeightLayout weights,
      Function<TensorView, RowForm> forms,
      int threads,
      long scratchBytes) {
    this.graph = graph;
    this.forms = forms;
    this.limits = step.limits();
    this.scratchBytes = BlockArena.aligned(scratchBytes);
    BlockArena arena = new BlockArena();
    placeTables(arena);
    identityOffset = intervals.isEmpty() ? 0 : arena.place(4L * identitySize(), 0, FOREVER);
    scratchOffset = arena.place(this.scratchBytes * threads, 0, FOREVER);
    placeInStep(step);
    placeConstants(weights);
    placeResults(step);
    placeRest(arena);
    bytes = arena.bytes();
  }

  private void placeTables(BlockArena arena) {
    for (Node n : graph.nodes()) {
      if (n.op() instanceof AttentionOp.Rope r) {
        RopeKey key = new RopeKey(r.spec(), n.inputs().get(1).id());
        ropeTables.computeIfAbsent(
            key, k -> arena.place(4L * limits.maxTokens() * k.spec.nRot(), 0, FOREVER));
      } else if (n.op() instanceof AttentionOp.AttendStep a) {
        int group = graph.group(a.spec().mask()).index();
        intervals.computeIfAbsent(group, g -> arena.place(2 * intervalBytes(limits), 0, FOREVER));
      }
    }
  }

  /** Bytes of the first, and of the last, visible rows of a group. */
  public static long intervalBytes(CompileSpec.Limits limits) {
    return BlockArena.aligned(4L * limits.maxTokens());
  }

  private void placeInStep(StepLayout step) {
    places.put(Graph.TOKENS_ID, new Place(Home.STEP, step.tokensOffset()));
    places.put(Graph.POSITIONS_ID, new Place(Home.STEP, step.positionsOffset()));
    for (int i = 0; i < graph.boundaryInputs().size(); i++) {
      int id = graph.boundaryInputs().get(i).id();
      places.put(id, new Place(Home.STEP, step.boundaryInputOffset(i)));
    }
  }

  private void placeConstants(WeightLayout weights) {
    for (Node n : graph.nodes()) {
      if (isAlias(n)) {
        roots.put(n.outputs().getFirst().id(), root(n.inputs().getFirst()));
      } else if (n.op() instanceof Projection.Constant c) {
        long offset = weights.vectorOffset(c.weight());
        places.put(n.outputs().getFirst().id(), new Place(Home.WEIGHTS, offset));
      }
    }
  }

  /** Whether a node only gives another shape to the same elements. */
  public boolean isAlias(Node n) {
    // supplied rows are written into the embedding, so it needs elements of its own
    return n.op() instanceof LayoutOp.Reshape
        && !graph.embedding().equals(n.outputs().stream().findFirst());
  }

  private void placeResults(StepLayout step) {
    graph.output().ifPresent(v -> placeResult(v, new Place(Home.STEP, step.outputOffset())));
    for (int i = 0; i < graph.boundaryOutputs().size(); i++) {
      Value v = graph.boundaryOutputs().get(i);
      placeResult(v, new Place(Home.STEP, step.boundaryOutputOffset(i)));
    }
  }

  private void placeResult(Value v, Place target) {
    if (places.putIfAbsent(root(v), target) != null) {
      handovers.add(new Handover(v, target));
    }
  }

  private void placeRest(BlockArena arena) {
    Map<Integer, Integer> lastUse = new HashMap<>();
    for (int i = 0; i < graph.nodes().size(); i++) {
      for (Value v : graph.nodes().get(i).inputs()) {
        lastUse.put(root(v), i);
      }
    }
    handovers.forEach(h -> lastUse.put(root(h.value), FOREVER));
    Map<Prepared, Integer> lastPrepared = lastPrepared();
    for (int i = 0; i < graph.nodes().size(); i++) {
      Node n = graph.nodes().get(i);
      for (Value v : n.outputs()) {
        if (!roots.containsKey(v.id()) && !places.containsKey(v.id())) {
          long offset = arena.place(capacityBytes(v.type()), i, lastUse.getOrDefault(v.id(), i));
          places.put(v.id(), new Place(Home.ACTIVATIONS, offset));
        }
      }
      Optional<Prepared> prepared = prepared(n);
      if (prepared.isPresent() && !preparedRows.containsKey(prepared.get())) {
        Prepared p = prepared.get();
        long size = preparedBytes(p, n.inputs().getFirst().type());
        preparedRows.put(p, arena.place(size, i, lastPrepared.getOrDefault(p, i)));
      }
      if (n.op() instanceof Projection.ExpertMatMul) {
        temporaries.put(n.outputs().getFirst().id(), arena.place(expertBytes(n), i, i));
      }
    }
  }

  /** Last node that reads what is made of a value's rows. */
  private Map<Prepared, Integer> lastPrepared() {
    Map<Prepared, Integer> last = new HashMap<>();
    for (int i = 0; i < graph.nodes().size(); i++) {
      int node = i;
      prepared(graph.nodes().get(i)).ifPresent(p -> last.put(p, node));
    }
    return last;
  }

  /** What a node's product reads of its first input. */
  private Optional<Prepared> prepared(Node n) {
    return n.op() instanceof Projection.MatMul m
        ? prepared(m.weight(), n.inputs().getFirst())
        : Optional.empty();
  }

  private Optional<Prepared> prepared(TensorView weight, Value x) {
    RowForm form = forms.apply(weight);
    return form == RowForm.PLAIN
        ? Optional.empty()
        : Optional.of(new Prepared(x.id(), form, form.group(weight.type())));
  }

  private long preparedBytes(Prepared p, ValueType t) {
    long perRow = t.width() / t.last();
    return Math.multiplyExact(
        p.form.bytes(t.last(), p.group), Math.multiplyExact(perRow, rows(t.first())));
  }

  /** How products with a weight read activations. */
  public RowForm form(TensorView weight) {
    return forms.apply(weight);
  }

  /** Byte offset of what products with a weight read of a value's rows; absent if nothing. */
  public Optional<Long> preparedRows(TensorView weight, Value x) {
    return prepared(weight, x).map(p -> Objects.requireNonNull(preparedRows.get(p)));
  }

  /** Inputs and results of an expert projection, sorted by expert. */
  private long expertBytes(Node n) {
    return expertInputBytes(n) + capacityBytes(n.outputs().getFirst().type());
  }

  /** Bytes of an expert projection's inputs, one row per choice. */
  public long expertInputBytes(Node n) {
    ValueType ids = n.inputs().get(1).type();
    int in = n.inputs().getFirst().type().last();
    long sums = 0;
    if (n.op() instanceof Projection.ExpertMatMul m && form(m.weight()).hasSums()) {
      sums = in / form(m.weight()).group(m.weight().type());
    }
    return BlockArena.aligned(Math.multiplyExact(capacityBytes(ids), in + sums));
  }

  private long capacityBytes(ValueType t) {
    return Math.multiplyExact(4L * t.width(), rows(t.first()));
  }

  /** Largest number of rows. */
  public long rows(Dim first) {
    return switch (first.kind()) {
      case FIXED -> first.size();
      case TOKENS -> limits.maxTokens();
      case WANTED -> limits.maxWanted();
      case SEQUENCES -> limits.maxSequences();
    };
  }

  private int root(Value v) {
    return roots.getOrDefault(v.id(), v.id());
  }

  /** Where a value lies. */
  public Place place(Value v) {
    Place p = places.get(root(v));
    if (p == null) {
      throw new IllegalArgumentException("value " + v + " is made nowhere in the graph");
    }
    return p;
  }

  /** Values that need copying when the step ends. */
  public List<Handover> handovers() {
    return List.copyOf(handovers);
  }

  /** Byte offsets of the angle tables, each [maxTokens, nRot] F32. */
  public Map<RopeKey, Long> ropeTables() {
    return ropeTables;
  }

  /** Byte offset of one angle table. */
  public long ropeTable(RopeKey key) {
    Long offset = ropeTables.get(key);
    if (offset == null) {
      throw new IllegalArgumentException("no angles for " + key);
    }
    return offset;
  }

  /**
   * Byte offset of the visible rows of a group for attention without a cache: first rows, then
   * ends, {@link #intervalBytes} each; absent for groups without such attention.
   */
  public Map<Integer, Long> intervals() {
    return intervals;
  }

  /** Byte offset of the table that maps each row to itself, I32. */
  public long identityOffset() {
    return identityOffset;
  }

  /** Entries of that table, a power of two. */
  public int identitySize() {
    return KvLayout.powerOfTwo(limits.maxTokens());
  }

  /** Byte offset of the temporary memory of an expert projection. */
  public long temporary(Node n) {
    Long offset = temporaries.get(n.outputs().getFirst().id());
    if (offset == null) {
      throw new IllegalArgumentException("no temporary memory for " + n.op());
    }
    return offset;
  }

  /** Byte offset of a team member's scratch memory. */
  public long scratchOffset(int member) {
    return scratchOffset + member * scratchBytes;
  }

  /** Bytes of scratch memory per team member. */
  public long scratchBytes() {
    return scratchBytes;
  }

  /** Bytes of the buffer. */
  public long bytes() {
    return bytes;
  }
}
