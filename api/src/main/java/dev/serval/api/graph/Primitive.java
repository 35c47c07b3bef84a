package dev.serval.api.graph;

/**
 * The closed set of operations that every backend computes. Records, one per operation, in five
 * families.
 *
 * <p><b>Broadcasting</b>, the same for every op of two values: sizes are aligned at the last
 * dimension; each pair must be equal, or one of them 1 or absent, which is then repeated. The
 * result has the larger sizes. A symbolic size equals only itself.
 */
public sealed interface Primitive extends Op
    permits Elementwise, Reduction, Projection, AttentionOp, LayoutOp {}
