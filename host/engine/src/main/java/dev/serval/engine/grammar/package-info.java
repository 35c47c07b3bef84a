/**
 * Output that keeps to a grammar: the language of grammars, their automaton, and the tokens that it
 * allows next.
 *
 * <p>A {@link dev.serval.engine.grammar.Grammar} becomes a {@link
 * dev.serval.engine.grammar.Program}: nodes that read a character, choose, call a rule or return
 * from one. An {@link dev.serval.engine.grammar.Automaton} runs it over bytes. Its states are sets
 * of (node, stacks of places to return to); every set is kept once, so that a state is found again,
 * and with it its transitions and its {@link dev.serval.engine.grammar.TokenMask}. A mask comes
 * from a walk through the {@link dev.serval.engine.grammar.TokenTrie} of the vocabulary.
 */
@NullMarked
package dev.serval.engine.grammar;

import org.jspecify.annotations.NullMarked;
