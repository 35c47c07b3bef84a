package dev.serval.api.backend;

import java.util.List;

/** Answer to the question whether a backend computes something on a device. */
public sealed interface Support {

  /** It does. */
  record Yes() implements Support {}

  /**
   * It does not.
   *
   * @param reasons at least one, such as {@code compute capability 3.7 < 7.5 for flash attention}
   */
  record No(List<String> reasons) implements Support {
    /** Checks that there is a reason. */
    public No {
      reasons = List.copyOf(reasons);
      if (reasons.isEmpty()) {
        throw new IllegalArgumentException("a refusal needs a reason");
      }
    }
  }

  /** The positive answer. */
  static Support yes() {
    return new Yes();
  }

  /** A refusal for one reason. */
  static Support no(String reason) {
    return new No(List.of(reason));
  }

  /** Whether the answer is yes. */
  default boolean isYes() {
    return this instanceof Yes;
  }
}
