package dev.serval.engine.grammar;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Rules by name; the text must match the rule {@link #ROOT}.
 *
 * @param rules what each rule matches, in the order of their definition
 */
public record Grammar(Map<String, Expr> rules) {

  /** Name of the rule that the whole text matches. */
  public static final String ROOT = "root";

  /** Copies the map and checks that there is a root. */
  public Grammar {
    rules = Collections.unmodifiableMap(new LinkedHashMap<>(rules));
    if (!rules.containsKey(ROOT)) {
      throw new IllegalArgumentException("no rule " + ROOT + " among " + rules.keySet());
    }
  }

  /** A grammar of one rule. */
  public static Grammar of(Expr root) {
    return new Grammar(Map.of(ROOT, root));
  }
}
