package dev.serval.engine.tokenizer;

import java.util.List;

/**
 * Cuts text into pre-tokens, across whose borders nothing is merged: one rule after the other, each
 * within the pieces that the one before it left. Immutable and thread-safe.
 */
final class PreTokenizer {

  /** One expression, searched for again and again; what lies between the matches is kept. */
  interface Rule {
    /**
     * Where the piece that begins at an offset ends: a match that begins there, or else the text
     * before the next match. Reads no further than the range of the text.
     *
     * @param from below the end of the range
     * @return above {@code from}
     */
    int end(ScannedText text, int from);
  }

  /** Takes the pieces from left to right. */
  interface Sink {
    /** Takes a piece that is not empty. */
    void piece(int from, int until);
  }

  private final List<Rule> rules;

  PreTokenizer(Rule... rules) {
    this.rules = List.of(rules);
  }

  /** Cuts a range of a text into pieces. */
  void split(ScannedText text, int from, int until, Sink sink) {
    split(0, text, from, until, sink);
  }

  private void split(int rule, ScannedText text, int from, int until, Sink sink) {
    if (rule == rules.size()) {
      sink.piece(from, until);
      return;
    }
    for (int at = from; at < until; ) {
      text.limit(until); // inner rules set their own
      int end = rules.get(rule).end(text, at);
      split(rule + 1, text, at, end, sink);
      at = end;
    }
  }
}
