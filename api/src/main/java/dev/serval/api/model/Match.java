package dev.serval.api.model;

import java.util.List;

/** Whether an architecture understands a model file. */
public sealed interface Match {

  /**
   * It does; the highest score among installed architectures wins.
   *
   * @param score positive; 100 for the plain case
   */
  record Yes(int score) implements Match {
    /** Checks the score. */
    public Yes {
      if (score <= 0) {
        throw new IllegalArgumentException("score must be positive: " + score);
      }
    }
  }

  /**
   * It does not.
   *
   * @param reasons why not, at least one
   */
  record No(List<String> reasons) implements Match {
    /** Copies the list. */
    public No {
      reasons = List.copyOf(reasons);
    }
  }

  /** A refusal for one reason. */
  static Match no(String reason) {
    return new No(List.of(reason));
  }
}
