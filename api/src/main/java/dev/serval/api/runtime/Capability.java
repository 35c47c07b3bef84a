package dev.serval.api.runtime;

/** What a model does. */
public enum Capability {
  /** It continues texts: {@link Model#generate} and {@link Model#logits}. */
  GENERATE,
  /** It turns each text into one vector: {@link Model#embed}. */
  EMBED
}
