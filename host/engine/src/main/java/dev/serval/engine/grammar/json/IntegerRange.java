package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.choice;
import static dev.serval.engine.grammar.Expr.range;
import static dev.serval.engine.grammar.Expr.sequence;
import static dev.serval.engine.grammar.Expr.text;
import static dev.serval.engine.grammar.Expr.times;

import dev.serval.engine.grammar.Expr;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whole numbers of a range, digit by digit, without leading zeros and without −0. */
final class IntegerRange {

  private static final Expr DIGIT = range('0', '9');

  private IntegerRange() {}

  /**
   * The numbers of a range.
   *
   * @param min least number; null for none: then up to 16 digits, or as many as {@code max} has
   * @param max greatest number; null for none, as {@code min}
   * @return {@link Expr#NOTHING} if there is none
   */
  static Expr of(@Nullable BigInteger min, @Nullable BigInteger max) {
    List<Expr> parts = new ArrayList<>();
    if (min == null || min.signum() < 0) {
      BigInteger least = max == null || max.signum() >= 0 ? BigInteger.ONE : max.negate();
      Expr positive = natural(least, min == null ? null : min.negate());
      if (!positive.equals(Expr.NOTHING)) {
        parts.add(sequence(text("-"), positive));
      }
    }
    if (max == null || max.signum() >= 0) {
      Expr natural = natural(min == null || min.signum() < 0 ? BigInteger.ZERO : min, max);
      if (!natural.equals(Expr.NOTHING)) {
        parts.add(natural);
      }
    }
    return new Expr.Choice(parts);
  }

  /** The numbers of a range that begins at 0 or above. */
  static Expr natural(BigInteger min, @Nullable BigInteger max) {
    int digits = Math.max(JsonGrammar.DIGITS, min.toString().length());
    BigInteger most = max == null ? BigInteger.TEN.pow(digits).subtract(BigInteger.ONE) : max;
    if (min.compareTo(most) > 0) {
      return Expr.NOTHING;
    }
    List<Expr> byLength = new ArrayList<>();
    for (int n = min.toString().length(); n <= most.toString().length(); n++) {
      BigInteger low = n == 1 ? BigInteger.ZERO : BigInteger.TEN.pow(n - 1);
      BigInteger high = BigInteger.TEN.pow(n).subtract(BigInteger.ONE);
      byLength.add(between(min.max(low).toString(), most.min(high).toString()));
    }
    return new Expr.Choice(byLength);
  }

  /** The digits between two numbers of equal length. */
  private static Expr between(String low, String high) {
    if (low.isEmpty()) {
      return Expr.EMPTY;
    }
    char a = low.charAt(0);
    char b = high.charAt(0);
    String lowRest = low.substring(1);
    String highRest = high.substring(1);
    if (a == b) {
      return sequence(text(String.valueOf(a)), between(lowRest, highRest));
    }
    String nines = "9".repeat(lowRest.length());
    String zeros = "0".repeat(lowRest.length());
    char from = lowRest.equals(zeros) ? a : (char) (a + 1);
    char to = highRest.equals(nines) ? b : (char) (b - 1);
    List<Expr> parts = new ArrayList<>();
    if (from > a) {
      parts.add(sequence(text(String.valueOf(a)), between(lowRest, nines)));
    }
    if (from <= to) {
      parts.add(sequence(range(from, to), times(DIGIT, lowRest.length(), lowRest.length())));
    }
    if (to < b) {
      parts.add(sequence(text(String.valueOf(b)), between(zeros, highRest)));
    }
    return parts.size() == 1 ? parts.getFirst() : choice(parts.toArray(Expr[]::new));
  }
}
