/**
 * Grammars of JSON: any object ({@link dev.serval.engine.grammar.json.JsonGrammar}), or what a JSON
 * Schema describes ({@link dev.serval.engine.grammar.json.SchemaGrammar}).
 *
 * <p>Every text of these grammars is JSON. White space and numbers are bounded, so that they end by
 * themselves; strings and lists without a bound of their own, and nesting, end with the tokens that
 * are left ({@link dev.serval.engine.grammar.GrammarMatcher}).
 */
@NullMarked
package dev.serval.engine.grammar.json;

import org.jspecify.annotations.NullMarked;
