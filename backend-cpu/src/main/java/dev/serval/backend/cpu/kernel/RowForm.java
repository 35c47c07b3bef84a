package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;

/**
 * How a product reads rows of activations. What it reads is made once for all products of a value.
 */
public enum RowForm {
  /** As they are. */
  PLAIN,
  /** As they are, with the sum of each group, which minima are multiplied by. */
  SUMMED,
  /** As they are, with what sums of codes begin with: −{@link Codes#CENTRE} times a group's sum. */
  STARTED,
  /** Rounded: see {@link RoundedRow}. */
  ROUNDED;

  /**
   * The form for weights of a type.
   *
   * @param exact whether nothing may be rounded
   */
  public static RowForm of(DataType type, boolean exact) {
    if (!exact && RoundedRow.isFor(type)) {
      return ROUNDED;
    }
    if (!type.isQuantized()) {
      return PLAIN;
    }
    BlockFormat format = BlockFormat.of(type);
    if (format.codes().centre() != 0) {
      return STARTED;
    }
    return format.hasMinima() ? SUMMED : PLAIN;
  }

  /**
   * Elements of a row that share a sum or a scale in products with a type; 0 for {@link #PLAIN}.
   */
  public int group(DataType type) {
    return this == PLAIN ? 0 : BlockFormat.of(type).group();
  }

  /** Whether there are sums beside the rows. */
  public boolean hasSums() {
    return this == SUMMED || this == STARTED;
  }

  /** What sums of groups are multiplied by. */
  public float factor() {
    return this == STARTED ? -Codes.CENTRE : 1;
  }

  /**
   * Bytes of what is made of a row.
   *
   * @param in elements of the row
   * @param group of {@link #group}
   */
  public long bytes(int in, int group) {
    return switch (this) {
      case PLAIN -> 0;
      case SUMMED, STARTED -> 4L * (in / group);
      case ROUNDED -> RoundedRow.bytes(in);
    };
  }
}
