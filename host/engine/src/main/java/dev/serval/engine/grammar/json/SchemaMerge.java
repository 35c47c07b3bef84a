package dev.serval.engine.grammar.json;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.engine.grammar.GrammarLimits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Makes one schema of two that a value must both match. */
final class SchemaMerge {

  /** Alternatives of one schema times those of the other. */
  private static final int MOST_ALTERNATIVES = 256;

  private static final Set<String> GREATER = Set.of("minimum", "exclusiveMinimum");
  private static final Set<String> LESS = Set.of("maximum", "exclusiveMaximum");
  private static final Set<String> MORE = Set.of("minLength", "minItems");
  private static final Set<String> FEWER = Set.of("maxLength", "maxItems");

  private final UnaryOperator<Json> resolve;
  private final GrammarLimits limits;
  private long merged;

  /**
   * Merges schemas.
   *
   * @param resolve replaces a reference by what it names
   */
  SchemaMerge(UnaryOperator<Json> resolve, GrammarLimits limits) {
    this.resolve = resolve;
    this.limits = limits;
  }

  /**
   * What matches both schemas.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID}) if they cannot be made one; ({@code
   *     GRAMMAR_LIMIT}) if too much was merged
   */
  Json merge(Json first, Json second) {
    Json a = resolve.apply(first);
    Json b = resolve.apply(second);
    if (a instanceof Json.Bool all) {
      return all.value() ? b : a;
    }
    if (b instanceof Json.Bool all) {
      return all.value() ? a : b;
    }
    if (!(a instanceof Json.Obj x) || !(b instanceof Json.Obj y)) {
      throw Keywords.invalid(b, "a schema", b.text());
    }
    count(x, y);
    Map<String, Json> merged = new LinkedHashMap<>(x.members());
    for (Map.Entry<String, Json> e : y.members().entrySet()) {
      String name = e.getKey();
      Json mine = x.get(name);
      if (mine == null) {
        merged.put(name, e.getValue());
      } else if (!Keywords.ANNOTATIONS.contains(name) && !Json.equal(mine, e.getValue())) {
        merged.put(name, combine(name, mine, e.getValue()));
      }
    }
    if (x.has("properties") || y.has("properties")) {
      merged.put("properties", properties(x, y));
    }
    return new Json.Obj(x.pointer(), merged);
  }

  private void count(Json.Obj x, Json.Obj y) {
    merged += x.members().size() + y.members().size();
    merged += Keywords.members(x, "properties").size() + Keywords.members(y, "properties").size();
    if (merged > limits.nodes()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_LIMIT,
          "schema, \""
              + y.pointer()
              + "\": expected at most "
              + limits.nodes()
              + " keywords and properties to merge, got more");
    }
  }

  private Json combine(String keyword, Json a, Json b) {
    if (GREATER.contains(keyword) || MORE.contains(keyword)) {
      return Keywords.number(a).compareTo(Keywords.number(b)) >= 0 ? a : b;
    }
    if (LESS.contains(keyword) || FEWER.contains(keyword)) {
      return Keywords.number(a).compareTo(Keywords.number(b)) <= 0 ? a : b;
    }
    return switch (keyword) {
      case "properties" -> a; // done by the caller, who sees what else the two say
      case "additionalProperties", "items" -> both(a, b);
      case "required" -> union(a, b);
      case "type" -> types(a, b);
      case "enum" -> common(a, b);
      case "allOf" -> concatenated(a, b);
      case "anyOf", "oneOf" -> product(a, b);
      case "uniqueItems" -> a instanceof Json.Bool u && u.value() ? a : b;
      default ->
          throw Keywords.invalid(
              b, "the same \"" + keyword + "\" as at \"" + a.pointer() + "\"", "another one");
    };
  }

  private static Json.Obj both(Json a, Json b) {
    Json.Arr all = new Json.Arr(a.pointer(), List.of(a, b));
    return new Json.Obj(a.pointer(), Map.of("allOf", all));
  }

  private static List<Json> items(Json value) {
    return value instanceof Json.Arr list ? list.items() : List.of(value);
  }

  private static Json union(Json a, Json b) {
    List<Json> all = new ArrayList<>(items(a));
    for (Json item : items(b)) {
      if (all.stream().noneMatch(i -> Json.equal(i, item))) {
        all.add(item);
      }
    }
    return new Json.Arr(a.pointer(), all);
  }

  private static Json concatenated(Json a, Json b) {
    List<Json> all = new ArrayList<>(items(a));
    all.addAll(items(b));
    return new Json.Arr(a.pointer(), all);
  }

  private static Json common(Json a, Json b) {
    List<Json> both =
        items(a).stream().filter(i -> items(b).stream().anyMatch(j -> Json.equal(i, j))).toList();
    return new Json.Arr(a.pointer(), both);
  }

  /** Types that both allow; an integer is a number. */
  private static Json types(Json a, Json b) {
    List<Json> both = new ArrayList<>();
    for (Json x : items(a)) {
      for (Json y : items(b)) {
        String s = Keywords.text(x);
        String t = Keywords.text(y);
        if (s.equals(t) || (s.equals("integer") && t.equals("number"))) {
          both.add(x);
        } else if (s.equals("number") && t.equals("integer")) {
          both.add(y);
        }
      }
    }
    if (both.isEmpty()) {
      throw Keywords.invalid(b, "a type of " + a.text(), b.text());
    }
    return new Json.Arr(a.pointer(), both);
  }

  private static Json product(Json a, Json b) {
    List<Json> all = new ArrayList<>();
    for (Json x : items(a)) {
      for (Json y : items(b)) {
        all.add(both(x, y));
      }
    }
    if (all.size() > MOST_ALTERNATIVES) {
      throw Keywords.invalid(
          b, "at most " + MOST_ALTERNATIVES + " alternatives", String.valueOf(all.size()));
    }
    return new Json.Arr(a.pointer(), all);
  }

  /** Each property with what both schemas say about it, if only that others are not allowed. */
  private static Json properties(Json.Obj a, Json.Obj b) {
    Map<String, Json> first = Keywords.members(a, "properties");
    Map<String, Json> second = Keywords.members(b, "properties");
    Map<String, Json> merged = new LinkedHashMap<>();
    first.forEach((name, value) -> merged.put(name, and(value, other(b, second, name))));
    second.forEach((name, value) -> {
      if (!first.containsKey(name)) {
        merged.put(name, and(value, a.get("additionalProperties")));
      }
    });
    Json at = a.has("properties") ? a : b;
    return new Json.Obj(JsonReader.child(at.pointer(), "properties"), merged);
  }

  private static @Nullable Json other(Json.Obj schema, Map<String, Json> properties, String name) {
    Json own = properties.get(name);
    return own == null ? schema.get("additionalProperties") : own;
  }

  private static Json and(Json a, @Nullable Json b) {
    return b == null || Json.equal(a, b) ? a : both(a, b);
  }
}
