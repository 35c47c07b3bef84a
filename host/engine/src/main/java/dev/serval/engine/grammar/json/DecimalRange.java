package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.choice;
import static dev.serval.engine.grammar.Expr.optional;
import static dev.serval.engine.grammar.Expr.range;
import static dev.serval.engine.grammar.Expr.sequence;
import static dev.serval.engine.grammar.Expr.text;
import static dev.serval.engine.grammar.Expr.times;

import dev.serval.engine.grammar.Expr;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Decimal numbers of a range, digit by digit, without exponent. Immutable. */
final class DecimalRange {

  private static final Expr ZERO = text("0");
  private static final Expr DIGIT = range('0', '9');

  /**
   * An end of a range.
   *
   * @param value the number
   * @param inclusive whether it is in the range
   */
  record Bound(BigDecimal value, boolean inclusive) {

    private Bound negated() {
      return new Bound(value.negate(), inclusive);
    }

    private BigInteger whole() {
      return value.setScale(0, RoundingMode.FLOOR).toBigIntegerExact();
    }

    /** Digits behind the point, without zeros at the end. */
    private String fraction() {
      BigDecimal rest = value.subtract(new BigDecimal(whole())).stripTrailingZeros();
      return rest.signum() == 0 ? "" : rest.toPlainString().substring(2);
    }
  }

  private static final Bound ABOVE_ZERO = new Bound(BigDecimal.ZERO, false);
  private static final Bound FROM_ZERO = new Bound(BigDecimal.ZERO, true);

  /** Digits behind the point at most. */
  private final int digits;

  private DecimalRange(int digits) {
    this.digits = digits;
  }

  /**
   * The numbers of a range.
   *
   * @param min least number, null for none
   * @param max greatest number, null for none
   * @param digits digits behind the point at most, not less than the bounds have
   * @return {@link Expr#NOTHING} if there is none
   */
  static Expr of(@Nullable Bound min, @Nullable Bound max, int digits) {
    DecimalRange decimals = new DecimalRange(digits);
    List<Expr> parts = new ArrayList<>();
    if (min == null || min.value().signum() < 0) {
      Bound least = max == null || max.value().signum() >= 0 ? ABOVE_ZERO : max.negated();
      decimals.addNatural(parts, least, min == null ? null : min.negated(), "-");
    }
    if (max == null || max.value().signum() >= 0) {
      decimals.addNatural(
          parts, min == null || min.value().signum() < 0 ? FROM_ZERO : min, max, "");
    }
    return new Expr.Choice(parts);
  }

  /** Adds the numbers of a range that begins at 0 or above. */
  private void addNatural(List<Expr> to, Bound min, @Nullable Bound max, String sign) {
    BigInteger first = min.whole();
    String low = min.fraction();
    List<Expr> parts = new ArrayList<>();
    if (max == null || first.compareTo(max.whole()) < 0) {
      parts.add(whole(first, withPoint(from(low, min.inclusive(), digits), low, min.inclusive())));
      BigInteger last = max == null ? null : max.whole().subtract(BigInteger.ONE);
      Expr between = IntegerRange.natural(first.add(BigInteger.ONE), last);
      if (!between.equals(Expr.NOTHING)) {
        parts.add(sequence(between, anyFraction()));
      }
      if (max != null) {
        String high = max.fraction();
        boolean wholeAllowed = !high.isEmpty() || max.inclusive();
        Expr tail = until(high, max.inclusive(), digits, true);
        parts.add(whole(max.whole(), fraction(tail, wholeAllowed)));
      }
    } else if (first.equals(max.whole())) {
      String high = max.fraction();
      int order = order(low, high);
      if (order < 0 || (order == 0 && min.inclusive() && max.inclusive())) {
        boolean wholeAllowed = low.isEmpty() && min.inclusive();
        Expr tail = between(low, min.inclusive(), high, max.inclusive(), digits, true);
        parts.add(whole(first, fraction(tail, wholeAllowed)));
      }
    }
    for (Expr part : parts) {
      if (!part.equals(Expr.NOTHING)) {
        to.add(sign.isEmpty() ? part : sequence(text(sign), part));
      }
    }
  }

  private static int order(String low, String high) {
    int n = Math.max(low.length(), high.length());
    return padded(low, n).compareTo(padded(high, n));
  }

  private static String padded(String digits, int n) {
    return digits + "0".repeat(n - digits.length());
  }

  private static Expr whole(BigInteger value, Expr fraction) {
    return fraction.equals(Expr.NOTHING) ? fraction : sequence(text(value.toString()), fraction);
  }

  private Expr anyFraction() {
    return digits == 0 ? Expr.EMPTY : optional(sequence(text("."), times(DIGIT, 1, digits)));
  }

  /** A fraction of at least a bound, or none if the bound is 0 and included. */
  private Expr withPoint(Expr atLeast, String low, boolean inclusive) {
    return low.isEmpty() && inclusive ? anyFraction() : sequence(text("."), atLeast);
  }

  private static Expr fraction(Expr tail, boolean wholeAllowed) {
    if (tail.equals(Expr.NOTHING)) {
      return wholeAllowed ? Expr.EMPTY : Expr.NOTHING;
    }
    Expr withPoint = sequence(text("."), tail);
    return wholeAllowed ? optional(withPoint) : withPoint;
  }

  /** Up to {@code room} digits. */
  private static Expr some(int room) {
    return times(DIGIT, 0, Math.max(0, room));
  }

  /** Digits that are, behind a point, at least others. */
  private static Expr from(String low, boolean inclusive, int room) {
    if (low.isEmpty()) {
      return inclusive
          ? some(room)
          : sequence(times(ZERO, 0, Math.max(0, room - 1)), range('1', '9'), some(room - 1));
    }
    char first = low.charAt(0);
    Expr same = sequence(text(String.valueOf(first)), from(low.substring(1), inclusive, room - 1));
    return first == '9' ? same : choice(same, sequence(range(first + 1, '9'), some(room - 1)));
  }

  /**
   * Digits that are, behind a point, at most others.
   *
   * @param atLeastOne whether there must be a digit
   */
  private static Expr until(String high, boolean inclusive, int room, boolean atLeastOne) {
    if (high.isEmpty()) {
      if (!inclusive || (atLeastOne && room < 1)) {
        return Expr.NOTHING;
      }
      return times(ZERO, atLeastOne ? 1 : 0, Math.max(0, room));
    }
    char first = high.charAt(0);
    List<Expr> parts = new ArrayList<>();
    if (!atLeastOne) {
      parts.add(Expr.EMPTY);
    }
    if (first > '0') {
      parts.add(sequence(range('0', first - 1), some(room - 1)));
    }
    Expr rest = until(high.substring(1), inclusive, room - 1, false);
    if (!rest.equals(Expr.NOTHING)) {
      parts.add(sequence(text(String.valueOf(first)), rest));
    }
    return new Expr.Choice(parts);
  }

  /** Digits that are, behind a point, between others, of which the first are not greater. */
  private static Expr between(
      String low, boolean lowIn, String high, boolean highIn, int room, boolean atLeastOne) {
    if (low.isEmpty() && lowIn) {
      return until(high, highIn, room, atLeastOne);
    }
    if (high.isEmpty()) {
      return Expr.NOTHING; // equal, and one of them is left out
    }
    char first = low.isEmpty() ? '0' : low.charAt(0);
    String lowRest = low.isEmpty() ? "" : low.substring(1);
    String highRest = high.substring(1);
    char last = high.charAt(0);
    if (first == last) {
      Expr rest = between(lowRest, lowIn, highRest, highIn, room - 1, false);
      return rest.equals(Expr.NOTHING) ? rest : sequence(text(String.valueOf(first)), rest);
    }
    List<Expr> parts = new ArrayList<>();
    parts.add(sequence(text(String.valueOf(first)), from(lowRest, lowIn, room - 1)));
    if (first + 1 < last) {
      parts.add(sequence(range(first + 1, last - 1), some(room - 1)));
    }
    Expr rest = until(highRest, highIn, room - 1, false);
    if (!rest.equals(Expr.NOTHING)) {
      parts.add(sequence(text(String.valueOf(last)), rest));
    }
    return new Expr.Choice(parts);
  }
}
