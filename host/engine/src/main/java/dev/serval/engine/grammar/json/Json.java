package dev.serval.engine.grammar.json;

import java.math.BigDecimal;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A JSON value that knows where it stood. */
sealed interface Json {

  /** JSON Pointer (RFC 6901) to where the value was read. */
  String pointer();

  /** The value as JSON text, without white space. */
  String text();

  /** An object; members in the order in which they were read. */
  record Obj(String pointer, Map<String, Json> members) implements Json {
    /** Copies the map. */
    public Obj {
      members = Collections.unmodifiableMap(new LinkedHashMap<>(members));
    }

    /** A member, or null. */
    @Nullable Json get(String name) {
      return members.get(name);
    }

    boolean has(String name) {
      return members.containsKey(name);
    }

    /** The same without some members. */
    Obj without(String... names) {
      Map<String, Json> rest = new LinkedHashMap<>(members);
      for (String name : names) {
        rest.remove(name);
      }
      return new Obj(pointer, rest);
    }

    /** The same with a member added or replaced. */
    Obj with(String name, Json value) {
      Map<String, Json> more = new LinkedHashMap<>(members);
      more.put(name, value);
      return new Obj(pointer, more);
    }

    @Override
    public String text() {
      return members.entrySet().stream()
          .map(e -> quoted(e.getKey()) + ":" + e.getValue().text())
          .collect(Collectors.joining(",", "{", "}"));
    }
  }

  /** A list. */
  record Arr(String pointer, List<Json> items) implements Json {
    /** Copies the list. */
    public Arr {
      items = List.copyOf(items);
    }

    @Override
    public String text() {
      return items.stream().map(Json::text).collect(Collectors.joining(",", "[", "]"));
    }
  }

  /** A string. */
  record Str(String pointer, String value) implements Json {
    @Override
    public String text() {
      return quoted(value);
    }
  }

  /** A number, as it was written and as it is. */
  record Num(String pointer, String text, BigDecimal value) implements Json {}

  /** True or false. */
  record Bool(String pointer, boolean value) implements Json {
    @Override
    public String text() {
      return Boolean.toString(value);
    }
  }

  /** Null. */
  record Null(String pointer) implements Json {
    @Override
    public String text() {
      return "null";
    }
  }

  /** Whether two values are equal, wherever they stood. */
  static boolean equal(Json a, Json b) {
    return switch (a) {
      case Num x -> b instanceof Num y && x.value().compareTo(y.value()) == 0;
      case Arr x -> b instanceof Arr y && equal(x.items(), y.items());
      case Obj x ->
          b instanceof Obj y
              && x.members().keySet().equals(y.members().keySet())
              && equal(
                  List.copyOf(x.members().values()),
                  x.members().keySet().stream().map(y.members()::get).toList());
      case Str _, Bool _, Null _ -> a.text().equals(b.text());
    };
  }

  private static boolean equal(List<Json> a, List<Json> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (!equal(a.get(i), b.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** A text as a JSON string. */
  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    text.codePoints().forEach(c -> out.append(escaped(c)));
    return out.append('"').toString();
  }

  /** A character as it stands inside a JSON string: RFC 8259 §7, escaped only where it must be. */
  static String escaped(int c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default -> {
        boolean isPlain = c >= ' ' && c != 0x7F && (c < 0xD800 || c > 0xDFFF);
        yield isPlain ? Character.toString(c) : String.format("\\u%04x", c);
      }
    };
  }
}
