package dev.serval.api.tensor;

/**
 * Sizes of a stored tensor in file order: {@code ne0} varies fastest in memory. A linear layer from
 * {@code in} to {@code out} features is {@code [in, out]}: {@code out} rows of {@code in} elements.
 * Missing dimensions are 1.
 *
 * @param rank number of stated dimensions, 0 to 4
 * @param ne0 elements of a row
 * @param ne1 rows of a matrix
 * @param ne2 matrices
 * @param ne3 stacks of matrices
 */
public record Shape(int rank, long ne0, long ne1, long ne2, long ne3) {

  /** Checks that no size is negative and that the element count fits a {@code long}. */
  public Shape {
    if (rank < 0 || rank > 4) {
      throw new IllegalArgumentException("rank must be 0..4: " + rank);
    }
    if (ne0 < 0 || ne1 < 0 || ne2 < 0 || ne3 < 0) {
      throw new IllegalArgumentException(
          "sizes must not be negative: [" + ne0 + ", " + ne1 + ", " + ne2 + ", " + ne3 + "]");
    }
    if (ne0 != 0 && ne1 != 0 && ne2 != 0 && ne3 != 0) {
      try {
        Math.multiplyExact(Math.multiplyExact(Math.multiplyExact(ne0, ne1), ne2), ne3);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException(
            "element count exceeds 2^63: [" + ne0 + ", " + ne1 + ", " + ne2 + ", " + ne3 + "]", e);
      }
    }
  }

  /**
   * A shape of up to four sizes, fastest first.
   *
   * @throws IllegalArgumentException for more than four, a negative size or an overflow
   */
  public static Shape of(long... ne) {
    if (ne.length > 4) {
      throw new IllegalArgumentException("at most 4 dimensions: " + ne.length);
    }
    return new Shape(ne.length, at(ne, 0), at(ne, 1), at(ne, 2), at(ne, 3));
  }

  private static long at(long[] ne, int i) {
    return i < ne.length ? ne[i] : 1;
  }

  /** The size of dimension {@code i}, 0 to 3. */
  public long ne(int i) {
    return switch (i) {
      case 0 -> ne0;
      case 1 -> ne1;
      case 2 -> ne2;
      case 3 -> ne3;
      default -> throw new IndexOutOfBoundsException("dimension " + i + " of 4");
    };
  }

  /** Number of rows: {@code ne1 · ne2 · ne3}. */
  public long rows() {
    return ne1 * ne2 * ne3;
  }

  /** Number of elements. */
  public long elements() {
    return ne0 * rows();
  }

  /** Whether all four sizes are equal, whatever the rank. */
  public boolean sameSizes(Shape other) {
    return ne0 == other.ne0 && ne1 == other.ne1 && ne2 == other.ne2 && ne3 == other.ne3;
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder("[");
    for (int i = 0; i < rank; i++) {
      s.append(i == 0 ? "" : ", ").append(ne(i));
    }
    return s.append(']').toString();
  }
}
