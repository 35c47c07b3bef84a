package dev.serval.engine.grammar.json;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The keywords of JSON Schema (2020-12, and what earlier drafts call the same), and their values.
 */
final class Keywords {

  /** Keywords that say nothing about a value, so that nothing is lost without them. */
  static final Set<String> ANNOTATIONS =
      Set.of(
          "$schema",
          "$id",
          "$comment",
          "$anchor",
          "$defs",
          "definitions",
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "contentEncoding",
          "contentMediaType");

  /** Keywords that a grammar is made from. */
  private static final Set<String> SUPPORTED =
      Set.of(
          "$ref",
          "allOf",
          "anyOf",
          "oneOf",
          "type",
          "enum",
          "const",
          "properties",
          "required",
          "additionalProperties",
          "items",
          "prefixItems",
          "additionalItems",
          "minItems",
          "maxItems",
          "minLength",
          "maxLength",
          "pattern",
          "format",
          "minimum",
          "maximum",
          "exclusiveMinimum",
          "exclusiveMaximum",
          "multipleOf",
          "uniqueItems");

  /** Keywords by the type that they speak of. */
  static final Map<String, Set<String>> BY_TYPE =
      Map.of(
          "object", Set.of("properties", "required", "additionalProperties"),
          "array", Set.of("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
          "string", Set.of("minLength", "maxLength", "pattern", "format"),
          "number",
              Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"));

  /** All types, in the order in which they are tried. */
  static final List<String> TYPES =
      List.of("object", "array", "string", "number", "integer", "boolean", "null");

  private Keywords() {}

  /** Refuses keywords that a grammar cannot keep to. */
  static void check(Json.Obj schema) {
    schema
        .members()
        .forEach((name, value) -> {
          if (!SUPPORTED.contains(name) && !ANNOTATIONS.contains(name) && !name.startsWith("x-")) {
            throw invalid(value, "a supported keyword", "\"" + name + "\"");
          }
        });
    if (schema.get("uniqueItems") instanceof Json.Bool unique && unique.value()) {
      throw invalid(unique, "a supported keyword", "\"uniqueItems\": true");
    }
  }

  /** What is wrong with a value of the schema. */
  static RequestRejectedException invalid(Json at, String expected, String got) {
    return new RequestRejectedException(
        Reason.GRAMMAR_INVALID,
        "schema, \"" + at.pointer() + "\": expected " + expected + ", got " + got);
  }

  private static RequestRejectedException wrong(Json at, String expected) {
    String text = at.text();
    return invalid(at, expected, text.length() <= 40 ? text : text.substring(0, 40) + "…");
  }

  /** A member that is a list; empty if there is none. */
  static List<Json> list(Json.Obj schema, String name) {
    Json value = schema.get(name);
    if (value == null) {
      return List.of();
    }
    if (value instanceof Json.Arr array) {
      return array.items();
    }
    throw wrong(value, "a list");
  }

  /** A member that is a list of schemas, at least one. */
  static List<Json> schemas(Json.Obj schema, String name) {
    List<Json> list = list(schema, name);
    Json value = schema.get(name);
    if (list.isEmpty() && value != null) {
      throw wrong(value, "at least one schema");
    }
    return list;
  }

  /** A member that is an object; empty if there is none. */
  static Map<String, Json> members(Json.Obj schema, String name) {
    Json value = schema.get(name);
    if (value == null) {
      return Map.of();
    }
    if (value instanceof Json.Obj object) {
      return object.members();
    }
    throw wrong(value, "an object");
  }

  /** The names that {@code required} lists. */
  static Set<String> required(Json.Obj schema) {
    Set<String> names = new LinkedHashSet<>();
    for (Json name : list(schema, "required")) {
      names.add(text(name));
    }
    return names;
  }

  /** A string. */
  static String text(Json value) {
    if (value instanceof Json.Str text) {
      return text.value();
    }
    throw wrong(value, "a string");
  }

  /** A member that is a string; null if there is none. */
  static @Nullable String text(Json.Obj schema, String name) {
    Json value = schema.get(name);
    return value == null ? null : text(value);
  }

  /** A number. */
  static BigDecimal number(Json value) {
    if (value instanceof Json.Num number) {
      return number.value();
    }
    throw wrong(value, "a number");
  }

  /** A member that is a number; null if there is none. */
  static @Nullable BigDecimal number(Json.Obj schema, String name) {
    Json value = schema.get(name);
    return value == null ? null : number(value);
  }

  /**
   * A member that counts something.
   *
   * @param absent what holds if there is none
   */
  static int count(Json.Obj schema, String name, int absent) {
    Json value = schema.get(name);
    if (value == null) {
      return absent;
    }
    BigDecimal n = number(value);
    if (n.signum() < 0 || n.stripTrailingZeros().scale() > 0) {
      throw wrong(value, "a whole number from 0 on");
    }
    return n.min(BigDecimal.valueOf(Integer.MAX_VALUE)).intValue();
  }

  /**
   * The types that a value may have: those named, else those that keywords speak of; nothing if all
   * are meant.
   */
  static List<String> types(Json.Obj schema) {
    Json type = schema.get("type");
    List<String> types = new ArrayList<>();
    if (type != null) {
      List<Json> named = type instanceof Json.Arr list ? list.items() : List.of(type);
      for (Json t : named) {
        String name = text(t);
        if (!TYPES.contains(name)) {
          throw wrong(t, "one of " + TYPES);
        }
        if (!types.contains(name)) {
          types.add(name);
        }
      }
      if (types.isEmpty()) {
        throw wrong(type, "at least one type");
      }
      return types;
    }
    for (String t : TYPES) {
      Set<String> keywords = BY_TYPE.getOrDefault(t, Set.of());
      if (keywords.stream().anyMatch(k -> schema.has(k) && speaks(schema, k))) {
        types.add(t);
      }
    }
    return types;
  }

  /** Whether a keyword says something: an unknown format is a remark. */
  private static boolean speaks(Json.Obj schema, String keyword) {
    if (!keyword.equals("format")) {
      return true;
    }
    String format = text(schema, "format");
    return format != null && Formats.isKnown(format);
  }
}
