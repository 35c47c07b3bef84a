package dev.serval.api.graph;

/** What the rows of a graph's result are. */
public enum OutputKind {
  /** One row of vocabulary logits per wanted token. */
  LOGITS,
  /** One pooled row per sequence. */
  POOLED,
  /** Nothing: the stage hands values on to another. */
  NONE
}
