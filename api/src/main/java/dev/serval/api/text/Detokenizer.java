package dev.serval.api.text;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Turns ids into text as they come. Never emits part of a character: bytes of an unfinished one are
 * held back. Confined to one thread.
 */
@ConsumerType
public interface Detokenizer {

  /**
   * Adds a token.
   *
   * @return the text that is certain now, possibly empty
   */
  String append(int token);

  /** Ends the text: an unfinished character becomes one U+FFFD. */
  String flush();
}
