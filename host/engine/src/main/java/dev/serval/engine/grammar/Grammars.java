package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.text.Tokenizer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The grammars in use with one vocabulary. The last few are kept, so that requests with the same
 * grammar share what is found out about it. Thread-safe.
 */
public final class Grammars {

  /** Grammars kept; each takes up to {@link GrammarLimits#cacheBytes}. */
  private static final int KEPT = 8;

  private final Tokenizer tokenizer;
  private final int width;
  private final GrammarLimits limits;
  private @Nullable TokenTrie trie;

  /** Least recently used first. */
  private final Map<Object, TokenGrammar> kept = new LinkedHashMap<>(KEPT, 0.75f, true);

  /**
   * Without grammars; the vocabulary is sorted when the first is asked for.
   *
   * @param width ids that may be drawn: 0 until this
   */
  public Grammars(Tokenizer tokenizer, int width, GrammarLimits limits) {
    this.tokenizer = tokenizer;
    this.width = width;
    this.limits = limits;
  }

  /** The vocabulary. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The bounds of grammars. */
  public GrammarLimits limits() {
    return limits;
  }

  /**
   * A grammar, from what is kept if possible.
   *
   * @param key equal for equal grammars
   * @param source makes the grammar
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID} or {@code GRAMMAR_LIMIT}) if it
   *     cannot be used
   */
  public TokenGrammar get(Object key, Supplier<Grammar> source) {
    synchronized (kept) {
      TokenGrammar known = kept.get(key);
      if (known != null) {
        return known;
      }
    }
    // Two threads may make the same one; either will do.
    TokenGrammar made = new TokenGrammar(source.get(), tokenizer, trie(), limits);
    synchronized (kept) {
      kept.put(key, made);
      if (kept.size() > KEPT) {
        kept.remove(kept.keySet().iterator().next());
      }
    }
    return made;
  }

  private synchronized TokenTrie trie() {
    TokenTrie sorted = trie;
    if (sorted == null) {
      sorted = TokenTrie.of(tokenizer, width);
      trie = sorted;
    }
    return sorted;
  }
}
