package dev.serval.api.graph;

import java.util.OptionalInt;

/**
 * A value of a graph and the name by which people ask for it. Graphs hold no names; they follow
 * from ops and weights:
 *
 * <ul>
 *   <li>the result of the graph is {@code logits} or {@code pooled};
 *   <li>what is made with a weight of its own (a linear layer, a norm, rows of a table, a constant)
 *       has the name of the weight without {@code .weight}: {@code blk.0.attn_q};
 *   <li>what is made of one value of the same part is called after the nearest value before it that
 *       is named by one of the other rules, and its op: {@code blk.0.attn_q_norm.rope};
 *   <li>anything else is called after its part and its op: {@code blk.0.attend}, {@code blk.0.add};
 *       the part is {@code blk.N} in layer N, else the mark's name;
 *   <li>a weight that is used again adds the op: {@code token_embd.matmul}; a name that was given
 *       before ends in {@code .2}, {@code .3} and so on, in execution order.
 * </ul>
 *
 * <p>A reshape computes nothing: what it makes has no name, and what is made of that is called as
 * if there were no reshape.
 *
 * @param name the name, unique in the graph
 * @param value the value
 * @param op name of the op that makes it, as {@link GraphBuilder} and messages call it; of
 *     arithmetic the function: {@code matmul}, {@code rmsNorm}, {@code add}, {@code silu}
 * @param mark the part of the graph that makes it
 */
public record NamedValue(String name, Value value, String op, Mark mark) {

  /** Number of the layer that makes it; absent outside layers. */
  public OptionalInt layer() {
    return mark.layerIndex();
  }
}
