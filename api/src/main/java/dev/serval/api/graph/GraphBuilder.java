package dev.serval.api.graph;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.MixtureOfExperts.Expert;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Builds the graph of one forward pass, op by op in execution order. Every call checks shapes and
 * types at once and throws {@link ModelRefusedException} ({@code SHAPE_MISMATCH}) naming the
 * tensor: a graph that builds is a graph that fits.
 *
 * <p>Confined to one thread; used once.
 */
public final class GraphBuilder {

  private final List<Node> nodes = new ArrayList<>();
  private final List<KvSlot> slots = new ArrayList<>();
  private final List<KvSlot> stored = new ArrayList<>();
  private final Value tokens = new Value(Graph.TOKENS_ID, ValueType.i32(Dim.TOKENS));
  private final Value positions = new Value(Graph.POSITIONS_ID, ValueType.i32(Dim.TOKENS));
  private int nextId;
  private Mark mark = Mark.EMBED;
  private boolean wholeSequences;
  private OutputKind outputKind = OutputKind.NONE;
  private @Nullable Value output;
  private @Nullable Value embedding;

  /** Creates an empty builder; the current mark is {@link Mark#EMBED}. */
  public GraphBuilder() {
    this(Graph.POSITIONS_ID + 1);
  }

  /** A builder whose values start at {@code firstId} and that knows all values below. */
  GraphBuilder(int firstId) {
    nextId = firstId;
  }

  /** The nodes so far. */
  List<Node> nodes() {
    return nodes;
  }

  /** The id of the next value. */
  int nextId() {
    return nextId;
  }

  /** Starts a part of the graph: further nodes belong to {@code newMark}. */
  public void mark(Mark newMark) {
    mark = newMark;
  }

  /** The token ids of the step, I32 [tokens]. */
  public Value tokens() {
    return tokens;
  }

  /** The positions of the step's tokens in their sequences, I32 [tokens]. */
  public Value positions() {
    return positions;
  }

  /**
   * Declares that the graph needs whole sequences in one step (bidirectional encoders): a text is
   * never split, and one longer than the step is an error of the request.
   */
  public void wholeSequences() {
    wholeSequences = true;
  }

  /**
   * Names the value whose rows a step may supply instead of token ids, F32 [tokens, width], after
   * any scaling of token embeddings.
   *
   * @return {@code x}
   */
  public Value embedding(Value x) {
    if (x.type().rank() != 2 || !x.type().first().equals(Dim.TOKENS)) {
      throw Shapes.mismatch("embedding: expected F32 [tokens, width], got " + x.type());
    }
    embedding = own(x);
    return x;
  }

  /**
   * Adds any op.
   *
   * @return its results, in order
   */
  public List<Value> apply(Op op, Value... inputs) {
    List<ValueType> types = new ArrayList<>();
    for (Value v : inputs) {
      types.add(own(v).type());
    }
    List<Value> results = new ArrayList<>();
    for (ValueType t : op.infer(types)) {
      results.add(new Value(nextId++, t));
    }
    nodes.add(new Node(op, List.of(inputs), results, mark));
    return results;
  }

  private Value one(Op op, Value... inputs) {
    return apply(op, inputs).getFirst();
  }

  private Value own(Value v) {
    if (v.id() < 0 || v.id() >= nextId) {
      throw new IllegalArgumentException("value " + v + " is not from this builder");
    }
    return v;
  }

  /** {@link Projection.Constant}: a weight as a value. */
  public Value constant(TensorView weight) {
    return one(new Projection.Constant(weight));
  }

  /** {@link Projection.Rows}: rows of {@code table} by id. */
  public Value rows(TensorView table, Value ids) {
    return one(new Projection.Rows(table), ids);
  }

  /** {@link Projection.MatMul} without bias: x [.., in] → [.., out]. */
  public Value matmul(TensorView weight, Value x) {
    return one(new Projection.MatMul(weight, Optional.empty()), x);
  }

  /** {@link Projection.MatMul} with bias: x [.., in] → [.., out]. */
  public Value matmul(TensorView weight, TensorView bias, Value x) {
    return one(new Projection.MatMul(weight, Optional.of(bias)), x);
  }

  /** {@link Projection.BatchMatMul}: a [b, m, k], c [b, k, n] → [b, m, n]. */
  public Value batchMatmul(Value a, Value c) {
    return one(new Projection.BatchMatMul(), a, c);
  }

  /** {@link Projection.ExpertMatMul}: x [m, in] or [m, k, in], ids [m, k] → [m, k, out]. */
  public Value expertMatmul(Expert expert, Value x, Value ids) {
    return one(new Projection.ExpertMatMul(expert.weight(), expert.bias()), x, ids);
  }

  /** a + b, broadcast. */
  public Value add(Value a, Value b) {
    return one(new Elementwise.Binary(BinaryKind.ADD), a, b);
  }

  /** a − b, broadcast. */
  public Value sub(Value a, Value b) {
    return one(new Elementwise.Binary(BinaryKind.SUB), a, b);
  }

  /** a · b, broadcast. */
  public Value mul(Value a, Value b) {
    return one(new Elementwise.Binary(BinaryKind.MUL), a, b);
  }

  /** a / b, broadcast. */
  public Value div(Value a, Value b) {
    return one(new Elementwise.Binary(BinaryKind.DIV), a, b);
  }

  /** {@link Elementwise.Scale}: x · factor. */
  public Value scale(Value x, double factor) {
    return one(new Elementwise.Scale(factor), x);
  }

  /** {@link Elementwise.AddScalar}: x + addend. */
  public Value addScalar(Value x, double addend) {
    return one(new Elementwise.AddScalar(addend), x);
  }

  /** {@link Elementwise.Clamp}: x bounded to low..high. */
  public Value clamp(Value x, double low, double high) {
    return one(new Elementwise.Clamp(low, high), x);
  }

  /** {@link Elementwise.Unary}. */
  public Value unary(UnaryKind kind, Value x) {
    return one(new Elementwise.Unary(kind), x);
  }

  /** {@link Reduction.RmsNorm} with weight. */
  public Value rmsNorm(Value x, TensorView weight, float eps) {
    return one(new Reduction.RmsNorm(Optional.of(weight), eps), x);
  }

  /** {@link Reduction.RmsNorm} without weight. */
  public Value rmsNorm(Value x, float eps) {
    return one(new Reduction.RmsNorm(Optional.empty(), eps), x);
  }

  /** {@link Reduction.LayerNorm}. */
  public Value layerNorm(Value x, TensorView weight, Optional<TensorView> bias, float eps) {
    return one(new Reduction.LayerNorm(weight, bias, eps), x);
  }

  /** {@link Reduction.Softmax} over the last dimension. */
  public Value softmax(Value x) {
    return one(new Reduction.Softmax(), x);
  }

  /** {@link Reduction.Reduce} over the last dimension: [.., n] → [.., 1]. */
  public Value reduce(ReduceKind kind, Value x) {
    return one(new Reduction.Reduce(kind), x);
  }

  /**
   * {@link Reduction.TopK}.
   *
   * @return values and ids
   */
  public List<Value> topK(Value x, int k) {
    return apply(new Reduction.TopK(k), x);
  }

  /** {@link Reduction.Gather}: x [m, n], ids [m, k] → [m, k]. */
  public Value gather(Value x, Value ids) {
    return one(new Reduction.Gather(), x, ids);
  }

  /** {@link LayoutOp.Slice}. */
  public Value slice(Value x, int axis, int from, int until) {
    return one(new LayoutOp.Slice(axis, from, until), x);
  }

  /** {@link LayoutOp.Concat}. */
  public Value concat(int axis, Value... values) {
    return one(new LayoutOp.Concat(axis), values);
  }

  /** {@link LayoutOp.Reshape}. */
  public Value reshape(Value x, Dim... dims) {
    return one(new LayoutOp.Reshape(List.of(dims)), x);
  }

  /** Splits the last dimension into heads: [tokens, heads · dim] → [tokens, heads, dim]. */
  public Value heads(Value x, int nHeads) {
    int width = x.type().last();
    if (nHeads < 1 || width % nHeads != 0) {
      throw Shapes.mismatch("heads: " + x.type() + " into " + nHeads);
    }
    return reshape(x, x.type().first(), Dim.of(nHeads), Dim.of(width / nHeads));
  }

  /** Joins heads: [tokens, heads, dim] → [tokens, heads · dim]. */
  public Value joined(Value x) {
    return reshape(x, x.type().first(), Dim.of(x.type().width()));
  }

  /** {@link LayoutOp.Wanted}: [tokens, ..] → [wanted, ..]. */
  public Value wanted(Value x) {
    return one(new LayoutOp.Wanted(), x);
  }

  /** {@link LayoutOp.PoolMean}: [tokens, ..] → [sequences, ..]. */
  public Value poolMean(Value x) {
    return one(new LayoutOp.PoolMean(), x);
  }

  /** {@link AttentionOp.Rope}: x [tokens, heads, dim]. */
  public Value rope(Value x, Value at, RopeSpec spec) {
    return one(new AttentionOp.Rope(spec), x, at);
  }

  /** Declares a cache; its index is the next free one. */
  public KvSlot slot(AttentionSpec spec, Optional<RopeSpec> rotation) {
    KvSlot slot =
        new KvSlot(
            slots.size(), spec.nKvHeads(), spec.keyDim(), spec.valueDim(), spec.mask(), rotation);
    slots.add(slot);
    return slot;
  }

  /**
   * {@link AttentionOp.KvStore}: once per slot.
   *
   * @throws IllegalArgumentException if the slot is not this builder's or was stored before
   */
  public KvValue kvStore(KvSlot slot, Value k, Value v) {
    if (!slots.contains(slot) || stored.contains(slot)) {
      throw new IllegalArgumentException("slot is foreign or stored before: " + slot);
    }
    apply(new AttentionOp.KvStore(slot), k, v);
    stored.add(slot);
    return new KvValue(slot);
  }

  /**
   * {@link AttentionOp.Attend}: q [tokens, nHeads, keyDim] → [tokens, nHeads, valueDim].
   *
   * @throws IllegalArgumentException if nothing was stored in the slot
   */
  public Value attend(Value q, KvValue kv, AttentionSpec spec) {
    if (!stored.contains(kv.slot())) {
      throw new IllegalArgumentException("nothing stored yet: " + kv.slot());
    }
    return one(new AttentionOp.Attend(spec, kv.slot()), q);
  }

  /** {@link AttentionOp.AttendStep}: attention without a cache. */
  public Value attendStep(Value q, Value k, Value v, AttentionSpec spec) {
    return one(new AttentionOp.AttendStep(spec), q, k, v);
  }

  /** Makes [wanted, vocabSize] logits the graph's result. */
  public void logits(Value x) {
    result(x, Dim.WANTED, OutputKind.LOGITS);
  }

  /** Makes [sequences, width] pooled rows the graph's result. */
  public void pooled(Value x) {
    result(x, Dim.SEQUENCES, OutputKind.POOLED);
  }

  private void result(Value x, Dim first, OutputKind kind) {
    if (output != null) {
      throw new IllegalStateException("the graph has a result already");
    }
    if (x.type().rank() != 2 || !x.type().first().equals(first)) {
      throw Shapes.mismatch(kind + ": expected F32 [" + first + ", n], got " + x.type());
    }
    output = own(x);
    outputKind = kind;
  }

  /**
   * The finished graph.
   *
   * @throws IllegalStateException if it has no result or a slot was declared and never stored
   */
  public Graph build() {
    if (output == null) {
      throw new IllegalStateException("the graph has no result");
    }
    if (stored.size() != slots.size()) {
      throw new IllegalStateException("slots declared: " + slots + ", stored: " + stored);
    }
    return Graph.whole(
        nodes, slots, outputKind, output, Optional.ofNullable(embedding), wholeSequences);
  }
}
