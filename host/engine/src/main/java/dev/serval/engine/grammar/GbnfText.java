package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;

/** The characters of a grammar in GBNF, and where one is among them. Confined to one thread. */
final class GbnfText {

  /** Repetitions and ids beyond this are refused where they are read. */
  private static final int MOST = 10_000_000;

  private final String source;
  private int at;

  GbnfText(String source) {
    this.source = source;
  }

  int position() {
    return at;
  }

  boolean atEnd() {
    return at == source.length();
  }

  private char peek() {
    return atEnd() ? '\0' : source.charAt(at);
  }

  /** Takes a character if it is the next one. */
  boolean take(char c) {
    if (atEnd() || source.charAt(at) != c) {
      return false;
    }
    at++;
    return true;
  }

  boolean takeNewLine() {
    boolean isReturn = take('\r');
    return take('\n') || isReturn;
  }

  /** Takes a text that must come next. */
  void expect(String wanted) {
    if (!source.startsWith(wanted, at)) {
      throw wrong(at, "\"" + wanted + "\"", here());
    }
    at += wanted.length();
  }

  /** Skips blanks and comments, and ends of lines if these mean nothing here. */
  void skipSpace(boolean lines) {
    while (!atEnd()) {
      char c = peek();
      if (c == '#') {
        while (!atEnd() && peek() != '\n' && peek() != '\r') {
          at++;
        }
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        at++;
      } else {
        return;
      }
    }
  }

  boolean startsName() {
    return isNameChar(peek());
  }

  private static boolean isNameChar(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '-'
        || c == '_';
  }

  String name() {
    int from = at;
    while (isNameChar(peek())) {
      at++;
    }
    if (from == at) {
      throw wrong(at, "the name of a rule", here());
    }
    return source.substring(from, at);
  }

  boolean startsNumber() {
    return peek() >= '0' && peek() <= '9';
  }

  int number() {
    int from = at;
    long value = 0;
    while (startsNumber()) {
      value = value * 10 + (peek() - '0');
      at++;
      if (value > MOST) {
        throw wrong(from, "a number up to " + MOST, "a greater one");
      }
    }
    if (from == at) {
      throw wrong(at, "a number", here());
    }
    return (int) value;
  }

  /** The characters before the next {@code end} of this line, which is taken too. */
  String until(char end) {
    int from = at;
    while (!atEnd() && peek() != end && peek() != '\n') {
      at++;
    }
    if (peek() != end) {
      throw wrong(from, "\"" + end + "\" in this line", "none");
    }
    return source.substring(from, at++);
  }

  /** The rest of a text in quotes. */
  String quoted() {
    int from = at - 1;
    StringBuilder text = new StringBuilder();
    while (!take('"')) {
      if (atEnd() || peek() == '\n') {
        throw wrong(from, "a text that ends in its line", "no closing quote");
      }
      text.appendCodePoint(character());
    }
    return text.toString();
  }

  /** The rest of a class of characters. */
  CodePoints charClass() {
    int from = at - 1;
    boolean negated = take('^');
    CodePoints set = CodePoints.NONE;
    while (!take(']')) {
      if (atEnd() || peek() == '\n') {
        throw wrong(from, "a class that ends in its line", "no closing bracket");
      }
      int rangeAt = at;
      int first = character();
      int last = first;
      if (peek() == '-' && at + 1 < source.length() && source.charAt(at + 1) != ']') {
        at++;
        last = character();
      }
      if (last < first) {
        throw wrong(rangeAt, "a range in ascending order", source.substring(rangeAt, at));
      }
      set = set.union(CodePoints.range(first, last));
    }
    return negated ? set.complement() : set;
  }

  /** A character of a text or class, escaped or not. */
  private int character() {
    int from = at;
    if (atEnd()) {
      throw wrong(at, "a character", here());
    }
    int c = source.codePointAt(at);
    at += Character.charCount(c);
    if (c == '\\') {
      c = escaped(from);
    }
    if (c > Character.MAX_CODE_POINT || (c >= 0xD800 && c <= 0xDFFF)) {
      throw wrong(from, "a Unicode character", "U+" + Integer.toHexString(c));
    }
    return c;
  }

  private int escaped(int from) {
    char c = peek();
    at++;
    return switch (c) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case '\\', '"', '[', ']', '-', '^' -> c;
      case 'x' -> hex(2);
      case 'u' -> hex(4);
      case 'U' -> hex(8);
      default -> {
        at--;
        throw wrong(from, "an escape of \\n \\r \\t \\\\ \\\" \\[ \\] \\x \\u \\U", "\\" + c);
      }
    };
  }

  private int hex(int digits) {
    int from = at;
    long value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = Character.digit(peek(), 16);
      if (digit < 0 || peek() > 'f') {
        throw wrong(from, digits + " hexadecimal digits", here());
      }
      value = value << 4 | digit;
      at++;
    }
    if (value > Character.MAX_CODE_POINT) {
      throw wrong(from, "a Unicode character", "U+" + Long.toHexString(value));
    }
    return (int) value;
  }

  /** What comes next, for messages. */
  String here() {
    if (atEnd()) {
      return "the end of the grammar";
    }
    return peek() == '\n' || peek() == '\r'
        ? "the end of the line"
        : "\"" + Character.toString(source.codePointAt(at)) + "\"";
  }

  /** Line and column of a position, from 1. */
  String where(int position) {
    int line = 1;
    int start = 0;
    for (int i = 0; i < position; i++) {
      if (source.charAt(i) == '\n') {
        line++;
        start = i + 1;
      }
    }
    return "line " + line + ", column " + (position - start + 1);
  }

  RequestRejectedException wrong(int position, String expected, String got) {
    return new RequestRejectedException(
        Reason.GRAMMAR_INVALID,
        "grammar, " + where(position) + ": expected " + expected + ", got " + got);
  }
}
