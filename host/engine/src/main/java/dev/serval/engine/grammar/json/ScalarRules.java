package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.rule;

import dev.serval.engine.grammar.CodePoints;
import dev.serval.engine.grammar.Expr;
import dev.serval.engine.grammar.GrammarLimits;
import dev.serval.engine.grammar.json.DecimalRange.Bound;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/** Strings and numbers of a schema. */
final class ScalarRules {

  private ScalarRules() {}

  static Expr string(Json.Obj schema, GrammarLimits limits) {
    int min = Keywords.count(schema, "minLength", 0);
    int max = Keywords.count(schema, "maxLength", Integer.MAX_VALUE);
    if (min > max) {
      throw Keywords.invalid(schema, "minLength <= maxLength", min + " > " + max);
    }
    String format = Keywords.text(schema, "format");
    boolean isFormatted = format != null && Formats.isKnown(format);
    Expr content;
    if (schema.has("pattern")) {
      if (isFormatted) {
        throw Keywords.invalid(schema, "\"pattern\" or \"format\"", "both");
      }
      content = pattern(schema, limits);
    } else if (format != null && isFormatted) {
      content = Formats.of(format);
    } else {
      if (min == 0 && max == Integer.MAX_VALUE) {
        return rule(JsonGrammar.STRING);
      }
      int most = max == Integer.MAX_VALUE ? Expr.Repeat.UNBOUNDED : max;
      return StringRules.quoted(Expr.times(new Expr.Chars(CodePoints.ANY), min, most));
    }
    StringRules.Length length = StringRules.Length.of(content);
    if (!length.isWithin(min, max == Integer.MAX_VALUE ? StringRules.Length.ENDLESS : max)) {
      throw Keywords.invalid(
          schema,
          "minLength and maxLength that \"" + (isFormatted ? "format" : "pattern") + "\" implies",
          min + " and " + max);
    }
    return StringRules.quoted(content);
  }

  private static Expr pattern(Json.Obj schema, GrammarLimits limits) {
    String pattern = Keywords.text(schema, "pattern");
    try {
      return PatternParser.parse(pattern == null ? "" : pattern, limits);
    } catch (PatternParser.Unsupported e) {
      Json at = schema.get("pattern");
      throw Keywords.invalid(
          at == null ? schema : at, "a regular expression that is supported", e.what());
    }
  }

  static Expr integer(Json.Obj schema) {
    BigDecimal step = Keywords.number(schema, "multipleOf");
    if (step != null && !isPowerOfTen(step)) {
      throw Keywords.invalid(schema, "multipleOf 1, 0.1, 0.01, …", step.toString());
    }
    BigInteger min = null;
    BigInteger max = null;
    Bound low = least(schema);
    Bound high = greatest(schema);
    if (low != null) {
      BigInteger up = low.value().setScale(0, RoundingMode.CEILING).toBigIntegerExact();
      boolean isNext = !low.inclusive() && low.value().compareTo(new BigDecimal(up)) == 0;
      min = isNext ? up.add(BigInteger.ONE) : up;
    }
    if (high != null) {
      BigInteger down = high.value().setScale(0, RoundingMode.FLOOR).toBigIntegerExact();
      boolean isNext = !high.inclusive() && high.value().compareTo(new BigDecimal(down)) == 0;
      max = isNext ? down.subtract(BigInteger.ONE) : down;
    }
    if (min == null && max == null) {
      return rule(JsonGrammar.INTEGER);
    }
    return some(schema, IntegerRange.of(min, max));
  }

  static Expr number(Json.Obj schema) {
    BigDecimal step = Keywords.number(schema, "multipleOf");
    Bound low = least(schema);
    Bound high = greatest(schema);
    if (step == null && low == null && high == null) {
      return rule(JsonGrammar.NUMBER);
    }
    int digits = JsonGrammar.DIGITS;
    for (Bound bound : new @Nullable Bound[] {low, high}) {
      if (bound != null) {
        digits = Math.max(digits, bound.value().stripTrailingZeros().scale() + 1);
      }
    }
    if (step != null) {
      if (!isPowerOfTen(step)) {
        throw Keywords.invalid(schema, "multipleOf 1, 0.1, 0.01, …", step.toString());
      }
      digits = step.stripTrailingZeros().scale();
      if (digits == 0) {
        return integer(schema);
      }
      low = low == null ? null : onStep(low, digits, RoundingMode.CEILING);
      high = high == null ? null : onStep(high, digits, RoundingMode.FLOOR);
    }
    return some(schema, DecimalRange.of(low, high, digits));
  }

  /** The nearest step inside a bound. */
  private static Bound onStep(Bound bound, int digits, RoundingMode inside) {
    BigDecimal step = bound.value().setScale(digits, inside);
    boolean isSame = step.compareTo(bound.value()) == 0;
    return new Bound(step, bound.inclusive() || !isSame);
  }

  private static Expr some(Json.Obj schema, Expr expr) {
    if (expr instanceof Expr.Choice choice && choice.alternatives().isEmpty()) {
      throw Keywords.invalid(schema, "bounds with a number between them", "none");
    }
    return expr;
  }

  /** 1, 0.1, 0.01 and so on. */
  private static boolean isPowerOfTen(BigDecimal step) {
    BigDecimal plain = step.stripTrailingZeros();
    return plain.unscaledValue().equals(BigInteger.ONE) && plain.scale() >= 0;
  }

  private static @Nullable Bound least(Json.Obj schema) {
    BigDecimal from = Keywords.number(schema, "minimum");
    BigDecimal above = Keywords.number(schema, "exclusiveMinimum");
    if (above == null || (from != null && from.compareTo(above) > 0)) {
      return from == null ? null : new Bound(from, true);
    }
    return new Bound(above, false);
  }

  private static @Nullable Bound greatest(Json.Obj schema) {
    BigDecimal to = Keywords.number(schema, "maximum");
    BigDecimal below = Keywords.number(schema, "exclusiveMaximum");
    if (below == null || (to != null && to.compareTo(below) < 0)) {
      return to == null ? null : new Bound(to, true);
    }
    return new Bound(below, false);
  }
}
