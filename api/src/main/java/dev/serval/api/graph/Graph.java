package dev.serval.api.graph;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What one forward pass computes: nodes in execution order, the caches they need, and the result. A
 * graph is either whole, as a model described it, or a stage cut from a whole one; a stage keeps
 * the value ids, slot indices, group indices and digest of the whole.
 *
 * <p>Immutable; holds api types only.
 */
public final class Graph {

  /** Id of the value that holds the step's token ids. */
  public static final int TOKENS_ID = 0;

  /** Id of the value that holds the step's positions. */
  public static final int POSITIONS_ID = 1;

  private final List<Node> nodes;
  private final List<KvGroup> groups;
  private final OutputKind outputKind;
  private final Optional<Value> output;
  private final Optional<Value> embedding;
  private final boolean wholeSequences;
  private final List<Value> boundaryInputs;
  private final List<Value> boundaryOutputs;
  private final List<Value> observed;
  private final String digest;

  private Graph(
      List<Node> nodes,
      List<KvGroup> groups,
      OutputKind outputKind,
      Optional<Value> output,
      Optional<Value> embedding,
      boolean wholeSequences,
      List<Value> boundaryInputs,
      List<Value> boundaryOutputs,
      List<Value> observed,
      String digest) {
    this.nodes = List.copyOf(nodes);
    this.groups = List.copyOf(groups);
    this.outputKind = outputKind;
    this.output = output;
    this.embedding = embedding;
    this.wholeSequences = wholeSequences;
    this.boundaryInputs = List.copyOf(boundaryInputs);
    this.boundaryOutputs = List.copyOf(boundaryOutputs);
    this.observed = List.copyOf(observed);
    this.digest = digest;
  }

  static Graph whole(
      List<Node> nodes,
      List<KvSlot> slots,
      OutputKind outputKind,
      Value output,
      Optional<Value> embedding,
      boolean wholeSequences) {
    List<KvGroup> groups = groups(nodes, slots);
    String digest = GraphDigest.of(nodes, groups, outputKind, output, embedding, wholeSequences);
    return new Graph(
        nodes,
        groups,
        outputKind,
        Optional.of(output),
        embedding,
        wholeSequences,
        List.of(),
        List.of(),
        List.of(),
        digest);
  }

  private static List<KvGroup> groups(List<Node> nodes, List<KvSlot> slots) {
    Map<MaskKind, List<KvSlot>> byMask = new LinkedHashMap<>();
    for (KvSlot slot : slots) {
      byMask.computeIfAbsent(slot.mask(), m -> new ArrayList<>()).add(slot);
    }
    for (Node n : nodes) {
      if (n.op() instanceof AttentionOp.AttendStep a) {
        byMask.computeIfAbsent(a.spec().mask(), m -> new ArrayList<>());
      }
    }
    List<KvGroup> groups = new ArrayList<>();
    byMask.forEach((mask, s) -> groups.add(new KvGroup(groups.size(), mask, s)));
    return groups;
  }

  /** The nodes in execution order. */
  public List<Node> nodes() {
    return nodes;
  }

  /**
   * The groups of caches and visible intervals, by index. In a stage each group holds only the
   * slots of the stage, perhaps none.
   */
  public List<KvGroup> groups() {
    return groups;
  }

  /**
   * The group whose intervals rule attention with this mask.
   *
   * @throws IllegalArgumentException if no attention of the graph has it
   */
  public KvGroup group(MaskKind mask) {
    for (KvGroup g : groups) {
      if (g.mask().equals(mask)) {
        return g;
      }
    }
    throw new IllegalArgumentException("no attention with mask " + mask);
  }

  /** What the rows of the result are; {@link OutputKind#NONE} for all stages but the last. */
  public OutputKind outputKind() {
    return outputKind;
  }

  /** The result, absent for all stages but the last. */
  public Optional<Value> output() {
    return output;
  }

  /** Elements of a result row: the vocabulary size for logits; 0 without a result. */
  public int outputWidth() {
    return output.map(v -> v.type().last()).orElse(0);
  }

  /** The value whose rows a step may supply, if the graph names one and this stage makes it. */
  public Optional<Value> embedding() {
    return embedding;
  }

  /** Whether a step must hold whole sequences. */
  public boolean wholeSequences() {
    return wholeSequences;
  }

  /** Values that this stage takes from the stage before, ascending by id. */
  public List<Value> boundaryInputs() {
    return boundaryInputs;
  }

  /**
   * Values that this stage hands out, ascending by id: those that the stage after takes, and the
   * {@link #observed} ones.
   */
  public List<Value> boundaryOutputs() {
    return boundaryOutputs;
  }

  /**
   * Those of the {@link #boundaryOutputs} that no other stage takes: they are handed out to be
   * looked at, and nothing else may depend on that.
   */
  public List<Value> observed() {
    return observed;
  }

  /**
   * The values that nodes make, with names, in execution order. Names are unique and the same for
   * equal graphs; {@link NamedValue} says how they come about. A stage may name a value otherwise
   * than the whole does where the whole had to tell two apart.
   */
  public List<NamedValue> namedValues() {
    return ValueNames.of(this);
  }

  /**
   * The same graph that also hands out some of its values at the end of each step, in {@code
   * Step.boundaryOutput}. What it computes stays the same to the bit, and so does the digest.
   *
   * @param values values that nodes of this graph make
   * @throws IllegalArgumentException if a value is not made in this graph
   */
  public Graph observing(Collection<Value> values) {
    Set<Value> made = new HashSet<>();
    nodes.forEach(n -> made.addAll(n.outputs()));
    Set<Value> out = new LinkedHashSet<>(boundaryOutputs);
    Set<Value> seen = new LinkedHashSet<>(observed);
    for (Value v : values) {
      if (!made.contains(v)) {
        throw new IllegalArgumentException("value " + v + " is made nowhere in the graph");
      }
      if (out.add(v)) {
        seen.add(v);
      }
    }
    return new Graph(
        nodes,
        groups,
        outputKind,
        output,
        embedding,
        wholeSequences,
        boundaryInputs,
        byId(out),
        byId(seen),
        digest);
  }

  private static List<Value> byId(Collection<Value> values) {
    return values.stream().sorted(Comparator.comparingInt(Value::id)).toList();
  }

  /**
   * SHA-256 over ops, shapes, weights and caches of the whole graph, in hexadecimal. A weight
   * counts by name, type and shape; which rows of the file its view covers does not change what the
   * graph computes, so that dialects of one model have one digest.
   */
  public String digest() {
    return digest;
  }

  /** Every weight the graph reads, in order of first use, each once. */
  public List<TensorView> weights() {
    Set<TensorView> all = new LinkedHashSet<>();
    for (Node n : nodes) {
      all.addAll(n.op().weights());
    }
    return List.copyOf(all);
  }

  /** The marks in order of appearance. */
  public List<Mark> marks() {
    Set<Mark> all = new LinkedHashSet<>();
    for (Node n : nodes) {
      all.add(n.mark());
    }
    return List.copyOf(all);
  }

  /**
   * Why the graph cannot be cut before these marks.
   *
   * @param points marks at which a new stage starts, in order of appearance
   * @return reasons, empty if the cut is legal
   */
  public List<String> cutProblems(List<Mark> points) {
    return GraphCut.problems(this, points);
  }

  /**
   * The stages that result from cutting before these marks. Token ids and positions reach every
   * stage; any other value used after a cut crosses it as a boundary value. Observed values are
   * handed out by the stage that makes them.
   *
   * @param points marks at which a new stage starts, in order of appearance
   * @return one stage more than points
   * @throws IllegalArgumentException with {@link #cutProblems} if the cut is illegal
   */
  public List<Graph> cut(List<Mark> points) {
    return GraphCut.cut(this, points);
  }

  /** A stage of this graph. */
  Graph stage(List<Node> stageNodes, List<Value> inputs, List<Value> outputs, boolean last) {
    Set<KvSlot> own = new LinkedHashSet<>();
    Set<Value> made = new LinkedHashSet<>();
    for (Node n : stageNodes) {
      made.addAll(n.outputs());
      if (n.op() instanceof AttentionOp.KvStore s) {
        own.add(s.slot());
      }
    }
    List<KvGroup> stageGroups = new ArrayList<>();
    for (KvGroup g : groups) {
      List<KvSlot> slots = g.slots().stream().filter(own::contains).toList();
      stageGroups.add(new KvGroup(g.index(), g.mask(), slots));
    }
    Graph stage =
        new Graph(
            stageNodes,
            stageGroups,
            last ? outputKind : OutputKind.NONE,
            last ? output : Optional.empty(),
            embedding.filter(made::contains),
            wholeSequences,
            inputs,
            outputs,
            List.of(),
            digest);
    return stage.observing(observed.stream().filter(made::contains).toList());
  }

  /**
   * The same graph with every composite that {@code keep} does not accept replaced by primitives.
   * Existing values keep their ids; the values inside a lowered composite get new ones.
   *
   * @param keep which composites to leave as they are
   */
  public Graph lowered(Predicate<Composite> keep) {
    return new Graph(
        Lowering.lower(nodes, keep),
        groups,
        outputKind,
        output,
        embedding,
        wholeSequences,
        boundaryInputs,
        boundaryOutputs,
        observed,
        digest);
  }
}
