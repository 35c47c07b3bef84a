package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.optional;
import static dev.serval.engine.grammar.Expr.sequence;
import static dev.serval.engine.grammar.Expr.times;

import dev.serval.engine.grammar.Expr;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Lists of a schema: {@code prefixItems} first, then {@code items}. */
final class ArrayRules {

  private final SchemaGrammar grammar;
  private final Json.Obj schema;
  private final List<Expr> prefix = new ArrayList<>();
  private final Expr items;
  private final int min;
  private final int max;

  ArrayRules(SchemaGrammar grammar, Json.Obj schema) {
    this.grammar = grammar;
    this.schema = schema;
    // drafts before 2020-12: a list of "items" is what "prefixItems" is now
    boolean isOld = schema.get("items") instanceof Json.Arr;
    List<Json> first = Keywords.list(schema, isOld ? "items" : "prefixItems");
    Json rest = schema.get(isOld ? "additionalItems" : "items");
    for (Json item : first) {
      prefix.add(grammar.expr(item));
    }
    boolean isOpen = rest == null && first.isEmpty();
    Json any = new Json.Bool(schema.pointer(), isOpen);
    items = grammar.asRule(rest == null ? any : rest);
    int known = items.equals(Expr.NOTHING) ? prefix.size() : Integer.MAX_VALUE;
    max = Math.min(known, Keywords.count(schema, "maxItems", Integer.MAX_VALUE));
    min = Keywords.count(schema, "minItems", Math.min(max, prefix.size()));
  }

  Expr expr() {
    if (min > max) {
      throw Keywords.invalid(schema, "minItems <= maxItems", min + " > " + max);
    }
    for (int i = 0; i < Math.min(min, prefix.size()); i++) {
      if (prefix.get(i).equals(Expr.NOTHING)) {
        throw Keywords.invalid(schema, "a value for item " + i, "none");
      }
    }
    return JsonGrammar.bracketed("[", content(), "]");
  }

  /** Items with commas between them: those beyond {@code min} are there if all before them are. */
  private Expr content() {
    int n = Math.min(prefix.size(), max);
    Deque<Expr> all = new ArrayDeque<>(List.of(rest(n)));
    for (int i = n - 1; i >= 0; i--) {
      Expr item = prefix.get(i);
      all.addFirst(i == 0 ? item : JsonGrammar.next(item));
      if (i >= min) {
        Expr rule = grammar.asRule(schema, new Expr.Sequence(List.copyOf(all)));
        all.clear();
        all.add(optional(rule));
      }
    }
    return new Expr.Sequence(List.copyOf(all));
  }

  /** Items behind those that have a schema each. */
  private Expr rest(int before) {
    int room = max == Integer.MAX_VALUE ? Expr.Repeat.UNBOUNDED : max - before;
    int least = Math.max(0, min - before);
    if (room == 0 || items.equals(Expr.NOTHING)) {
      return Expr.EMPTY;
    }
    if (before > 0) {
      return times(JsonGrammar.next(items), least, room);
    }
    int more = room == Expr.Repeat.UNBOUNDED ? room : room - 1;
    Expr some = sequence(items, times(JsonGrammar.next(items), Math.max(0, least - 1), more));
    return least == 0 ? optional(some) : some;
  }
}
