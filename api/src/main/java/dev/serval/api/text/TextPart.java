package dev.serval.api.text;

/**
 * A piece of a prompt. Parts are tokenized as one text; only in markup do the texts of special
 * tokens become those tokens, so that a user's text cannot forge a turn.
 *
 * @param text the characters
 * @param markup whether control tokens named in the text are recognised
 */
public record TextPart(String text, boolean markup) {

  /** Text of a user or model. */
  public static TextPart plain(String text) {
    return new TextPart(text, false);
  }

  /** Text of a chat format. */
  public static TextPart markup(String text) {
    return new TextPart(text, true);
  }
}
