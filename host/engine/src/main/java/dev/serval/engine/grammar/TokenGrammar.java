package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.text.Tokenizer;

/**
 * A grammar over the tokens of a vocabulary. What is found out about it is kept and shared by its
 * {@link GrammarMatcher}s. Thread-safe: one call at a time looks at it.
 */
public final class TokenGrammar {

  private final Tokenizer tokenizer;
  private final TokenTrie trie;
  private final Automaton automaton;
  private final MaskWalk walk;
  private final State start;

  /**
   * Prepares a grammar.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID} or {@code GRAMMAR_LIMIT}) if it
   *     cannot be used
   */
  TokenGrammar(Grammar grammar, Tokenizer tokenizer, TokenTrie trie, GrammarLimits limits) {
    this.tokenizer = tokenizer;
    this.trie = trie;
    this.automaton = new Automaton(ProgramBuilder.build(grammar, limits), limits);
    this.walk = new MaskWalk(trie, automaton);
    this.start = automaton.start();
  }

  /** A matcher at the beginning of a text. */
  public GrammarMatcher matcher() {
    return new GrammarMatcher(this, start);
  }

  /** Nodes of the program. */
  int nodes() {
    return automaton.program().size();
  }

  /** Memory for states and masks, in bytes. */
  synchronized long memoryBytes() {
    return automaton.memory().used();
  }

  synchronized TokenMask mask(State state) {
    Memory memory = automaton.memory();
    memory.beginWork();
    memory.trim();
    memory.refresh(state);
    TokenMask known = state.mask;
    if (known != null) {
      return known;
    }
    TokenMask mask = walk.mask(state, Integer.MAX_VALUE);
    memory.refresh(state);
    state.mask = mask;
    memory.take(mask.size());
    return mask;
  }

  /** A mask without tokens after which the text takes more bytes to its end. */
  synchronized TokenMask mask(State state, int mostBytes) {
    automaton.memory().beginWork();
    return walk.mask(state, mostBytes);
  }

  synchronized State accept(State state, int token) {
    automaton.memory().beginWork();
    boolean isText = trie.placeOf(token) != TokenTrie.NONE;
    return automaton.accept(state, token, isText ? tokenizer.bytes(token) : null);
  }
}
