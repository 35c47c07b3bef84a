package dev.serval.engine.run;

import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.tokenizer.StopFilter;
import java.util.List;

/**
 * The text of one generation as its tokens come: markup is left out, unfinished characters and
 * beginnings of stop texts are held back. Confined to one thread; allocates nothing but room for a
 * longer piece than any before.
 */
final class GeneratedText {

  private final Tokenizer tokenizer;
  private final Detokenizer detokenizer;
  private final StopFilter stop;
  private final StringBuilder decoded = new StringBuilder();
  private final StringBuilder certain = new StringBuilder();

  GeneratedText(Tokenizer tokenizer, List<String> stop) {
    this.tokenizer = tokenizer;
    this.detokenizer = tokenizer.detokenizer();
    this.stop = new StopFilter(stop);
  }

  /** The text of a generation as a whole. */
  static String of(Tokenizer tokenizer, List<String> stop, List<Integer> tokens) {
    GeneratedText text = new GeneratedText(tokenizer, stop);
    StringBuilder whole = new StringBuilder();
    for (int token : tokens) {
      whole.append(text.append(token));
    }
    return whole.append(text.flush()).toString();
  }

  /**
   * Adds a token.
   *
   * @return the text that became certain, valid until the next call
   */
  CharSequence append(int token) {
    certain.setLength(0);
    if (!tokenizer.isControl(token)) {
      decoded.setLength(0);
      detokenizer.append(token, decoded);
      stop.append(decoded, certain);
    }
    return certain;
  }

  /** Whether a stop text appeared. */
  boolean isStopped() {
    return stop.matched();
  }

  /**
   * Ends the text.
   *
   * @return what was held back, nothing after a stop text; valid until the next call
   */
  CharSequence flush() {
    certain.setLength(0);
    decoded.setLength(0);
    detokenizer.flush(decoded);
    stop.append(decoded, certain);
    stop.flush(certain);
    return certain;
  }
}
