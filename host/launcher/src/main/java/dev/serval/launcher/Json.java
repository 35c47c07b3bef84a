package dev.serval.launcher;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The JSON that the command line writes, RFC 8259. */
final class Json {

  private static final String INDENT = "  ";

  private Json() {}

  /** A JSON string. */
  static String quoted(String s) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c < ' ') {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"').toString();
  }

  /**
   * A value over several lines; what holds no objects takes one.
   *
   * @param value maps by text, lists, texts, numbers and booleans; numbers that JSON has not become
   *     texts
   */
  static String lines(Object value) {
    return lines(value, "");
  }

  private static String lines(Object value, String indent) {
    String deeper = indent + INDENT;
    return switch (value) {
      case Map<?, ?> map when !map.isEmpty() ->
          map.entrySet().stream()
              .map(e -> deeper + member(e, lines(e.getValue(), deeper)))
              .collect(Collectors.joining(",\n", "{\n", "\n" + indent + "}"));
      case List<?> list when list.stream().anyMatch(Map.class::isInstance) ->
          list.stream()
              .map(e -> deeper + line(e))
              .collect(Collectors.joining(",\n", "[\n", "\n" + indent + "]"));
      default -> line(value);
    };
  }

  /** The same on one line. */
  static String line(Object value) {
    return switch (value) {
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(e -> member(e, line(e.getValue())))
              .collect(Collectors.joining(", ", "{", "}"));
      case List<?> list ->
          list.stream().map(Json::line).collect(Collectors.joining(", ", "[", "]"));
      case Double d when !Double.isFinite(d) -> quoted(d.toString());
      case Number n -> n.toString();
      case Boolean b -> b.toString();
      default -> quoted(value.toString());
    };
  }

  private static String member(Map.Entry<?, ?> e, String value) {
    return quoted(String.valueOf(e.getKey())) + ": " + value;
  }
}
