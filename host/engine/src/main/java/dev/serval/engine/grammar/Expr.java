package dev.serval.engine.grammar;

import java.util.Arrays;
import java.util.List;

/** What a rule of a grammar matches. */
public sealed interface Expr {

  /** Matches the empty text. */
  Expr EMPTY = new Text("");

  /** Matches nothing at all. */
  Expr NOTHING = new Choice(List.of());

  /**
   * A text.
   *
   * @param text characters, without lone surrogates
   */
  record Text(String text) implements Expr {
    /** Checks the text. */
    public Text {
      if (text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF)) {
        throw new IllegalArgumentException("a text must not hold lone surrogates");
      }
    }
  }

  /**
   * One character of a set.
   *
   * @param set the characters
   */
  record Chars(CodePoints set) implements Expr {}

  /**
   * One after the other.
   *
   * @param parts what is matched
   */
  record Sequence(List<Expr> parts) implements Expr {
    /** Copies the list. */
    public Sequence {
      parts = List.copyOf(parts);
    }
  }

  /**
   * One of several.
   *
   * @param alternatives what may be matched; none matches nothing
   */
  record Choice(List<Expr> alternatives) implements Expr {
    /** Copies the list. */
    public Choice {
      alternatives = List.copyOf(alternatives);
    }
  }

  /**
   * The same several times.
   *
   * @param body what is repeated
   * @param min times at least
   * @param max times at most; {@link #UNBOUNDED} for any number
   */
  record Repeat(Expr body, int min, int max) implements Expr {
    /** No limit. */
    public static final int UNBOUNDED = -1;

    /** Checks the bounds. */
    public Repeat {
      if (min < 0 || (max != UNBOUNDED && max < min)) {
        throw new IllegalArgumentException("repetitions: min=" + min + ", max=" + max);
      }
    }
  }

  /**
   * What another rule matches.
   *
   * @param name name of the rule
   */
  record Reference(String name) implements Expr {}

  /**
   * One token, whatever its text.
   *
   * @param id vocabulary id
   * @param negated whether any other token is meant
   */
  record Token(int id, boolean negated) implements Expr {}

  /** A text. */
  static Expr text(String text) {
    return new Text(text);
  }

  /** One character of a text. */
  static Expr anyOf(String characters) {
    return new Chars(CodePoints.of(characters));
  }

  /** One character of a range. */
  static Expr range(int first, int last) {
    return new Chars(CodePoints.range(first, last));
  }

  /** One after the other. */
  static Expr sequence(Expr... parts) {
    return new Sequence(Arrays.asList(parts));
  }

  /** One of several. */
  static Expr choice(Expr... alternatives) {
    return new Choice(Arrays.asList(alternatives));
  }

  /** What another rule matches. */
  static Expr rule(String name) {
    return new Reference(name);
  }

  /** The same or nothing. */
  static Expr optional(Expr body) {
    return new Repeat(body, 0, 1);
  }

  /** The same any number of times. */
  static Expr any(Expr body) {
    return new Repeat(body, 0, Repeat.UNBOUNDED);
  }

  /** The same so many times. */
  static Expr times(Expr body, int min, int max) {
    return new Repeat(body, min, max);
  }
}
