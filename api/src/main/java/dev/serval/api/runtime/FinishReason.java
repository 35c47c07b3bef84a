package dev.serval.api.runtime;

/** Why a generation ended. */
public enum FinishReason {
  /** The model ended it. */
  END,
  /** A stop text appeared. */
  STOP,
  /** The number of tokens asked for was reached. */
  LENGTH,
  /** Prompt and generated tokens fill the context; the token that fills it was delivered. */
  CONTEXT_FULL,
  /** It was cancelled. */
  CANCELLED
}
