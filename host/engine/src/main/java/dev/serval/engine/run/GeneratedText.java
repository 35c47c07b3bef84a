package dev.serval.engine.run;

import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.tokenizer.StopFilter;
import java.util.List;

/**
 * The text of one generation as its tokens come: markup is left out, unfinished characters and
 * beginnings of stop texts are held back. Confined to the runner thread.
 */
final class GeneratedText {

  private final Tokenizer tokenizer;
  private final Detokenizer detokenizer;
  private final StopFilter stop;
  private final StringBuilder text = new StringBuilder();

  GeneratedText(Tokenizer tokenizer, List<String> stop) {
    this.tokenizer = tokenizer;
    this.detokenizer = tokenizer.detokenizer();
    this.stop = new StopFilter(stop);
  }

  /** Adds a token and returns the text that became certain. */
  String append(int token) {
    return tokenizer.isControl(token) ? "" : certain(stop.append(detokenizer.append(token)));
  }

  /** Whether a stop text appeared. */
  boolean isStopped() {
    return stop.matched();
  }

  /** Ends the text and returns what was held back; nothing after a stop text. */
  String flush() {
    if (stop.matched()) {
      return "";
    }
    String tail = stop.append(detokenizer.flush());
    return certain(stop.matched() ? tail : tail + stop.flush());
  }

  private String certain(String piece) {
    text.append(piece);
    return piece;
  }

  /** Everything that became certain. */
  String text() {
    return text.toString();
  }
}
