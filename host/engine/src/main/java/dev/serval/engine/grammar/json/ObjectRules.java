package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.any;
import static dev.serval.engine.grammar.Expr.choice;
import static dev.serval.engine.grammar.Expr.optional;
import static dev.serval.engine.grammar.Expr.rule;
import static dev.serval.engine.grammar.Expr.sequence;
import static dev.serval.engine.grammar.Expr.text;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.engine.grammar.Expr;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Objects of a schema: properties in its order, then others if it allows them. */
final class ObjectRules {

  /** Characters of a property's name. */
  private static final int NAME_CHARS = 200;

  private record Member(Expr pair, boolean required) {}

  private final SchemaGrammar grammar;
  private final Json.Obj schema;
  private final Map<String, Json> properties;
  private final Set<String> required;
  private final @Nullable Json additional;

  ObjectRules(SchemaGrammar grammar, Json.Obj schema) {
    this.grammar = grammar;
    this.schema = schema;
    properties = Keywords.members(schema, "properties");
    required = Keywords.required(schema);
    additional = schema.get("additionalProperties");
  }

  Expr expr() {
    boolean saysNothing = properties.isEmpty() && required.isEmpty();
    boolean isOpen = additional instanceof Json.Bool any && any.value();
    if (saysNothing && (additional == null || isOpen)) {
      return rule(JsonGrammar.OBJECT);
    }
    List<Member> members = members();
    Expr others = others();
    Expr content = content(members, others);
    return JsonGrammar.bracketed("{", content, "}");
  }

  private List<Member> members() {
    List<Member> members = new ArrayList<>();
    properties.forEach((name, value) -> add(members, name, value));
    for (String name : required) {
      if (!properties.containsKey(name)) {
        add(members, name, additional == null ? new Json.Bool(schema.pointer(), true) : additional);
      }
    }
    return members;
  }

  private void add(List<Member> members, String name, Json value) {
    if (name.length() > NAME_CHARS) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_LIMIT,
          "schema, \""
              + schema.pointer()
              + "\": expected names of at most "
              + NAME_CHARS
              + " characters, got "
              + name.length());
    }
    Expr body = grammar.expr(value);
    boolean isRequired = required.contains(name);
    if (!body.equals(Expr.NOTHING)) {
      members.add(new Member(JsonGrammar.pair(text(Json.quoted(name)), body), isRequired));
    } else if (isRequired) {
      throw Keywords.invalid(value, "a value for the required property \"" + name + "\"", "none");
    }
  }

  /** Another member; {@link Expr#NOTHING} if none is allowed. */
  private Expr others() {
    if (additional == null) {
      return Expr.NOTHING;
    }
    Expr value = grammar.asRule(additional);
    if (value.equals(Expr.NOTHING)) {
      return value;
    }
    List<String> taken = new ArrayList<>(properties.keySet());
    taken.addAll(required);
    Expr name = taken.isEmpty() ? rule(JsonGrammar.STRING) : StringRules.noneOf(taken);
    return grammar.asRule(schema, JsonGrammar.pair(name, value));
  }

  /**
   * Members in order, with commas between them. Before the first one that is there no comma comes:
   * the optional ones up to the first required one are ways to begin; what follows each of them is
   * a rule.
   */
  private Expr content(List<Member> members, Expr others) {
    Expr rest = others.equals(Expr.NOTHING) ? Expr.EMPTY : any(JsonGrammar.next(others));
    List<Expr> begins = new ArrayList<>();
    int n = members.size();
    int first = 0;
    while (first < n && !members.get(first).required()) {
      first++;
    }
    // What follows each member, the last first.
    Deque<Expr> after = new ArrayDeque<>(List.of(rest));
    for (int i = n - 1; i >= 0; i--) {
      Member m = members.get(i);
      if (i <= first) { // it may be the first one
        Expr rule = grammar.asRule(schema, new Expr.Sequence(List.copyOf(after)));
        after.clear();
        after.add(rule);
        begins.add(sequence(m.pair(), rule));
      }
      Expr next = JsonGrammar.next(m.pair());
      after.addFirst(m.required() ? next : optional(next));
    }
    if (first == n) { // nothing is required
      if (!others.equals(Expr.NOTHING)) {
        begins.addFirst(sequence(others, rest));
      }
      begins.addFirst(Expr.EMPTY);
    }
    return choice(begins.reversed().toArray(Expr[]::new));
  }
}
