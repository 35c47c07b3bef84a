package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.anyOf;
import static dev.serval.engine.grammar.Expr.choice;
import static dev.serval.engine.grammar.Expr.optional;
import static dev.serval.engine.grammar.Expr.range;
import static dev.serval.engine.grammar.Expr.sequence;
import static dev.serval.engine.grammar.Expr.text;
import static dev.serval.engine.grammar.Expr.times;

import dev.serval.engine.grammar.Expr;
import java.util.Map;

/** The formats of strings that are kept to: RFC 3339 dates and times, RFC 9562 UUIDs. */
final class Formats {

  private static final Expr DIGIT = range('0', '9');
  private static final Expr HEX = anyOf("0123456789abcdefABCDEF");
  private static final Expr SIXTY = sequence(range('0', '5'), DIGIT);
  private static final Expr HOUR =
      choice(sequence(anyOf("01"), DIGIT), sequence(text("2"), range('0', '3')));
  private static final Expr TIME =
      sequence(
          HOUR,
          text(":"),
          SIXTY,
          text(":"),
          SIXTY,
          optional(sequence(text("."), times(DIGIT, 1, 9))),
          choice(text("Z"), sequence(anyOf("+-"), HOUR, text(":"), SIXTY)));
  private static final Expr DATE = date();
  private static final Map<String, Expr> ALL =
      Map.of(
          "date", DATE, "time", TIME, "date-time", sequence(DATE, text("T"), TIME), "uuid", uuid());

  private Formats() {}

  /** A date of the Gregorian calendar; 29 February of years that 4 divides, but not 100. */
  private static Expr date() {
    Expr to28 =
        choice(
            sequence(text("0"), range('1', '9')),
            sequence(text("1"), DIGIT),
            sequence(text("2"), range('0', '8')));
    Expr months31 = choice(sequence(text("0"), anyOf("13578")), sequence(text("1"), anyOf("02")));
    Expr months30 = choice(sequence(text("0"), anyOf("469")), text("11"));
    Expr monthAndDay =
        choice(
            sequence(choice(months31, months30, text("02")), text("-"), to28),
            sequence(choice(months31, months30), text("-"), choice(text("29"), text("30"))),
            sequence(months31, text("-31")));
    Expr leap =
        choice(
            sequence(text("0"), anyOf("48")),
            sequence(anyOf("2468"), anyOf("048")),
            sequence(anyOf("13579"), anyOf("26")));
    return choice(
        sequence(times(DIGIT, 4, 4), text("-"), monthAndDay),
        sequence(times(DIGIT, 2, 2), leap, text("-02-29")));
  }

  private static Expr uuid() {
    Expr four = times(HEX, 4, 4);
    return sequence(
        times(HEX, 8, 8),
        text("-"),
        four,
        text("-"),
        four,
        text("-"),
        four,
        text("-"),
        times(HEX, 12, 12));
  }

  /** Whether a format is kept to. */
  static boolean isKnown(String format) {
    return ALL.containsKey(format);
  }

  /** The texts of a format that is kept to. */
  static Expr of(String format) {
    return ALL.getOrDefault(format, Expr.NOTHING);
  }
}
