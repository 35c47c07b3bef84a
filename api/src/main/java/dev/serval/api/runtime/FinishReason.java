package dev.serval.api.runtime;

/** Why a generation ended. */
public enum FinishReason {
  /** The model ended it. */
  END,
  /** A stop text appeared. */
  STOP,
  /** The number of tokens asked for was reached. */
  LENGTH,
  /** The context is full. */
  CONTEXT_FULL,
  /** It was cancelled. */
  CANCELLED
}
