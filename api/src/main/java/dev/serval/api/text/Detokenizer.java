package dev.serval.api.text;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Turns ids into text as they come. Never emits part of a character: bytes of an unfinished one are
 * held back. Confined to one thread; runs between two steps of the model, so it should not
 * allocate.
 */
@ConsumerType
public interface Detokenizer {

  /**
   * Adds a token.
   *
   * @param text the text that is certain now, possibly none, is appended here
   */
  void append(int token, StringBuilder text);

  /**
   * Ends the text: an unfinished character becomes one U+FFFD.
   *
   * @param text what is left is appended here
   */
  void flush(StringBuilder text);
}
