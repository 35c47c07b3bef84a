package dev.serval.api.runtime;

/** Why a generation ended. */
public enum FinishReason {
  /** The model ended it, or its format left nothing to add. */
  END,
  /** A stop text appeared. */
  STOP,
  /** The number of tokens asked for was reached. */
  LENGTH,
  /**
   * The text is complete as its format demands, but was led to its end because tokens ran short:
   * the model would have gone on.
   */
  GRAMMAR_BUDGET,
  /** Prompt and generated tokens fill the context; the token that fills it was delivered. */
  CONTEXT_FULL,
  /** It was cancelled. */
  CANCELLED
}
