package dev.serval.tck.ops;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.weights.TestWeights;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A graph that attends and nothing else: token ids choose the rows of three tables of queries, keys
 * and values, and the result of a token is what its heads computed, [nHeads · valueDim].
 *
 * @param name for messages
 * @param weights the tables, and sinks if there are any
 * @param graph the graph
 */
public record AttentionCase(String name, TestWeights weights, Graph graph) {

  /** Where keys and values are kept. */
  public enum Cache {
    /** In a slot. */
    SLOT,
    /** Nowhere: a step attends to itself. */
    NONE
  }

  /**
   * A case with random tables.
   *
   * @param withSinks whether each head has a sink
   * @param nTokens rows of the tables
   */
  public static AttentionCase random(
      AttentionSpec spec, boolean withSinks, Cache cache, int nTokens, long seed) {
    TestWeights w = new TestWeights(seed);
    TensorView q = w.around("q", DataType.F32, 0, 2, (long) spec.nHeads() * spec.keyDim(), nTokens);
    TensorView k =
        w.around("k", DataType.F32, 0, 2, (long) spec.nKvHeads() * spec.keyDim(), nTokens);
    TensorView v = w.random("v", DataType.F32, (long) spec.nKvHeads() * spec.valueDim(), nTokens);
    AttentionSpec full =
        withSinks ? spec.withSinks(w.around("sinks", DataType.F32, 0, 3, spec.nHeads())) : spec;
    String name =
        spec.mask()
            + ", heads "
            + spec.nHeads()
            + " over "
            + spec.nKvHeads()
            + " of "
            + spec.keyDim()
            + " and "
            + spec.valueDim()
            + (spec.softCap() > 0 ? ", cap " + spec.softCap() : "")
            + (withSinks ? ", sinks" : "")
            + (cache == Cache.NONE ? ", no cache" : "");
    return new AttentionCase(name, w, graph(full, q, k, v, cache));
  }

  /** The graph over given tables. */
  public static Graph graph(
      AttentionSpec spec, TensorView q, TensorView k, TensorView v, Cache cache) {
    GraphBuilder g = new GraphBuilder();
    Value queries = g.heads(g.rows(q, g.tokens()), spec.nHeads());
    Value keys = g.heads(g.rows(k, g.tokens()), spec.nKvHeads());
    Value values = g.heads(g.rows(v, g.tokens()), spec.nKvHeads());
    Value result =
        cache == Cache.SLOT
            ? g.attend(queries, g.kvStore(g.slot(spec, Optional.empty()), keys, values), spec)
            : g.attendStep(queries, keys, values, spec);
    g.logits(g.wanted(g.joined(result)));
    return g.build();
  }

  /** Token ids from {@code first}, as many as {@code n}. */
  public static int[] tokens(int first, int n) {
    return IntStream.range(first, first + n).toArray();
  }
}
