package dev.serval.tck.ops;

/**
 * How far an element may be from the reference: {@code |got − want| ≤ relative · |want| +
 * absolute}.
 *
 * @param relative share of the expected magnitude
 * @param absolute in the unit of the value
 */
public record Bound(double relative, double absolute) {

  /** Half a unit in the last place of F32, relative: one rounding. */
  public static final double ROUNDING = 0x1p-24;

  /** Equal bits but for the sign of zero. */
  public static final Bound EQUAL = new Bound(0, 0);

  /** A relative bound. */
  public static Bound relative(double relative) {
    return new Bound(relative, Float.MIN_NORMAL);
  }

  /** An absolute bound. */
  public static Bound absolute(double absolute) {
    return new Bound(0, absolute);
  }

  /**
   * Compares element by element. An expected NaN wants a NaN, an infinity the same infinity; a NaN
   * or infinity that was not expected is an error whatever the bound.
   *
   * @throws AssertionError naming the first element that is off
   */
  public void check(String what, float[] want, float[] got) {
    if (want.length != got.length) {
      throw new AssertionError(what + ": expected " + want.length + " elements, got " + got.length);
    }
    for (int i = 0; i < want.length; i++) {
      boolean finite = Float.isFinite(want[i]) && Float.isFinite(got[i]);
      boolean ok =
          finite
              ? Math.abs((double) got[i] - want[i]) <= relative * Math.abs(want[i]) + absolute
              : Float.compare(want[i], got[i]) == 0;
      if (!ok) {
        throw new AssertionError(
            what + ": element " + i + ": expected " + want[i] + ", got " + got[i] + ", " + this);
      }
    }
  }
}
