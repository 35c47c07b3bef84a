package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.rule;
import static dev.serval.engine.grammar.Expr.text;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.engine.grammar.Expr;
import dev.serval.engine.grammar.Grammar;
import dev.serval.engine.grammar.GrammarLimits;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns a JSON Schema into a grammar of texts that it describes.
 *
 * <p>Kept to: types and lists of types, {@code enum}, {@code const}; {@code properties}, {@code
 * required}, {@code additionalProperties}; {@code items}, {@code prefixItems}, {@code minItems},
 * {@code maxItems}; {@code minLength}, {@code maxLength}, {@code pattern}, the {@code format}s
 * date, time, date-time and uuid; {@code minimum}, {@code maximum} and their exclusive forms,
 * {@code multipleOf} a power of ten up to 1; {@code anyOf}, {@code oneOf} (as {@code anyOf}),
 * {@code allOf}; {@code $ref} inside the schema, recursive too. Other keywords are refused, but for
 * those that are mere remarks, other formats among them.
 *
 * <p>The texts are some of those that match, not all: properties come in the order of the schema,
 * an object with properties and without {@code additionalProperties} has no others, a list with
 * {@code prefixItems} has all of them unless {@code minItems} says less. White space and numbers
 * are those of {@link JsonGrammar}. Confined to one thread.
 */
public final class SchemaGrammar {

  private final Json root;
  private final GrammarLimits limits;
  private final Map<String, Expr> rules = JsonGrammar.rules();
  private final Deque<String> named = new ArrayDeque<>();
  private final SchemaMerge merge;

  /** Rules of schemas that were merged, by their text: merged again, they are the same. */
  private final Map<String, String> mergedRules = new HashMap<>();

  private int depth;
  private int visited;
  private int fresh;

  private SchemaGrammar(Json root, GrammarLimits limits) {
    this.root = root;
    this.limits = limits;
    this.merge = new SchemaMerge(this::resolved, limits);
  }

  /**
   * The grammar of a schema.
   *
   * @param schema JSON text
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID}) with the JSON Pointer of what is
   *     wrong, not supported, or leaves no value; ({@code GRAMMAR_LIMIT}) if it is too long or
   *     nested too deep
   */
  public static Grammar of(String schema, GrammarLimits limits) {
    return new SchemaGrammar(JsonReader.read(schema, limits), limits).grammar();
  }

  private Grammar grammar() {
    rules.put(Grammar.ROOT, expr(root));
    while (!named.isEmpty()) {
      String reference = named.remove();
      rules.put(reference, expr(target(reference, root)));
    }
    if (Expr.NOTHING.equals(rules.get(Grammar.ROOT))) {
      throw Keywords.invalid(root, "a schema that some value matches", "one that none does");
    }
    return new Grammar(rules);
  }

  GrammarLimits limits() {
    return limits;
  }

  /** What matches a schema; {@link Expr#NOTHING} if no value does. */
  Expr expr(Json schema) {
    if (++depth > limits.nesting()) {
      throw limit(schema, limits.nesting() + " schemas inside each other");
    }
    if (++visited > limits.nodes()) {
      throw limit(schema, limits.nodes() + " schemas");
    }
    try {
      return switch (schema) {
        case Json.Bool any -> any.value() ? rule(JsonGrammar.VALUE) : Expr.NOTHING;
        case Json.Obj object -> object(object);
        default -> throw Keywords.invalid(schema, "a schema, true or false", schema.text());
      };
    } finally {
      depth--;
    }
  }

  private static RequestRejectedException limit(Json at, String most) {
    return new RequestRejectedException(
        Reason.GRAMMAR_LIMIT,
        "schema, \"" + at.pointer() + "\": expected at most " + most + ", got more");
  }

  /** What matches a merged schema: a rule, since it may come again inside itself. */
  private Expr merged(Json schema) {
    if (!(schema instanceof Json.Obj)) {
      return expr(schema);
    }
    String text = schema.text();
    String known = mergedRules.get(text);
    if (known == null) {
      known = schema.pointer() + " " + fresh++;
      mergedRules.put(text, known);
      rules.put(known, Expr.NOTHING);
      rules.put(known, expr(schema));
    }
    return rule(known);
  }

  /** What matches a schema, as a rule: to be used more than once. */
  Expr asRule(Json schema) {
    Expr body = expr(schema);
    return body instanceof Expr.Reference || body.equals(Expr.NOTHING)
        ? body
        : asRule(schema, body);
  }

  /** An expression as a rule. */
  Expr asRule(Json at, Expr body) {
    String name = at.pointer() + " " + fresh++;
    rules.put(name, body);
    return rule(name);
  }

  private Expr object(Json.Obj schema) {
    Keywords.check(schema);
    if (schema.has("$ref")) {
      return saysNothing(schema.without("$ref")) ? reference(schema) : merged(resolved(schema));
    }
    if (schema.has("allOf")) {
      return allOf(schema);
    }
    for (String keyword : List.of("anyOf", "oneOf")) {
      if (schema.has(keyword)) {
        Json.Obj rest = schema.without(keyword);
        List<Expr> ways = new ArrayList<>();
        for (Json way : Keywords.schemas(schema, keyword)) {
          add(ways, saysNothing(rest) ? expr(way) : merged(merge.merge(rest, way)));
        }
        return new Expr.Choice(ways);
      }
    }
    if (schema.has("enum") || schema.has("const")) {
      return values(schema);
    }
    List<String> types = Keywords.types(schema);
    if (types.isEmpty()) {
      return rule(JsonGrammar.VALUE);
    }
    List<Expr> ways = new ArrayList<>();
    for (String type : types) {
      add(ways, typed(type, schema));
    }
    return new Expr.Choice(ways);
  }

  private Expr allOf(Json.Obj schema) {
    List<Json> parts = new ArrayList<>();
    parts.add(schema.without("allOf"));
    parts.addAll(Keywords.schemas(schema, "allOf"));
    parts.removeIf(SchemaGrammar::saysNothing);
    if (parts.isEmpty()) {
      return rule(JsonGrammar.VALUE);
    }
    if (parts.size() == 1) {
      return expr(parts.getFirst());
    }
    return merged(parts.stream().reduce(merge::merge).orElseThrow());
  }

  /** Whether a schema is met by every value: true, or remarks only. */
  private static boolean saysNothing(Json schema) {
    return switch (schema) {
      case Json.Bool any -> any.value();
      case Json.Obj object -> Keywords.ANNOTATIONS.containsAll(object.members().keySet());
      default -> false;
    };
  }

  private static void add(List<Expr> ways, Expr way) {
    if (!way.equals(Expr.NOTHING)) {
      ways.add(way);
    }
  }

  private Expr typed(String type, Json.Obj schema) {
    return switch (type) {
      case "object" -> new ObjectRules(this, schema).expr();
      case "array" -> new ArrayRules(this, schema).expr();
      case "string" -> ScalarRules.string(schema, limits);
      case "integer" -> ScalarRules.integer(schema);
      case "number" -> ScalarRules.number(schema);
      case "boolean" -> Expr.choice(text("true"), text("false"));
      default -> text("null");
    };
  }

  /** The values that a schema lists, of those types that it allows. */
  private static Expr values(Json.Obj schema) {
    List<Json> listed = Keywords.list(schema, "enum");
    Json only = schema.get("const");
    List<Expr> ways = new ArrayList<>();
    for (String keyword : schema.members().keySet()) {
      boolean isFine =
          keyword.equals("enum")
              || keyword.equals("const")
              || keyword.equals("type")
              || keyword.startsWith("x-")
              || Keywords.ANNOTATIONS.contains(keyword);
      if (!isFine) {
        throw Keywords.invalid(
            schema, "no other keyword beside \"enum\" or \"const\"", "\"" + keyword + "\"");
      }
    }
    List<String> types = Keywords.types(schema);
    for (Json value : only == null ? listed : List.of(only)) {
      boolean isListed =
          only == null || !schema.has("enum") || listed.stream().anyMatch(v -> Json.equal(v, only));
      if (isListed && (types.isEmpty() || types.stream().anyMatch(t -> isOfType(value, t)))) {
        ways.add(text(value.text()));
      }
    }
    if (ways.isEmpty()) {
      throw Keywords.invalid(schema, "a value that is allowed", "none");
    }
    return new Expr.Choice(ways);
  }

  private static boolean isOfType(Json value, String type) {
    return switch (value) {
      case Json.Obj _ -> type.equals("object");
      case Json.Arr _ -> type.equals("array");
      case Json.Str _ -> type.equals("string");
      case Json.Num n ->
          type.equals("number")
              || (type.equals("integer") && n.value().stripTrailingZeros().scale() <= 0);
      case Json.Bool _ -> type.equals("boolean");
      case Json.Null _ -> type.equals("null");
    };
  }

  private Expr reference(Json.Obj schema) {
    String reference = pointer(schema);
    if (!rules.containsKey(reference)) {
      target(reference, schema);
      rules.put(reference, Expr.NOTHING);
      named.add(reference);
    }
    return rule(reference);
  }

  /** A schema without reference: what it names, and what it says besides. */
  private Json resolved(Json schema) {
    Json at = schema;
    for (int i = 0; at instanceof Json.Obj object && object.has("$ref"); i++) {
      if (i == limits.nesting()) {
        throw Keywords.invalid(schema, "references that end", "too many");
      }
      Json target = target(pointer(object), object);
      Json.Obj rest = object.without("$ref");
      boolean isAlone = saysNothing(rest);
      if (!isAlone && target instanceof Json.Obj more && more.has("$ref")) {
        target =
            new Json.Obj(
                more.pointer(), Map.of("allOf", new Json.Arr(more.pointer(), List.of(more))));
      }
      at = isAlone ? target : merge.merge(rest, target);
    }
    return at;
  }

  private static String pointer(Json.Obj schema) {
    String reference = Keywords.text(schema, "$ref");
    if (reference == null || !(reference.equals("#") || reference.startsWith("#/"))) {
      throw Keywords.invalid(
          schema, "a reference into this schema: # or #/…", "\"" + reference + "\"");
    }
    return reference;
  }

  /** What a reference names: RFC 6901 §6. */
  private Json target(String reference, Json from) {
    String path;
    try {
      path = URLDecoder.decode(reference.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw Keywords.invalid(from, "a reference without broken escapes", "\"" + reference + "\"");
    }
    @Nullable Json at = root;
    for (String part :
        path.isEmpty() ? List.<String>of() : List.of(path.substring(1).split("/", -1))) {
      String name = part.replace("~1", "/").replace("~0", "~");
      at =
          switch (at) {
            case Json.Obj object -> object.get(name);
            case Json.Arr array -> item(array, name);
            case null, default -> null;
          };
    }
    if (at == null) {
      throw Keywords.invalid(from, "a reference to something", "\"" + reference + "\"");
    }
    return at;
  }

  private static @Nullable Json item(Json.Arr array, String number) {
    boolean isNumber = number.matches("[0-9]{1,9}");
    int i = isNumber ? Integer.parseInt(number) : array.items().size();
    return i < array.items().size() ? array.items().get(i) : null;
  }
}
