package dev.serval.api.text;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** Text to token ids and back, for one vocabulary. Thread-safe. */
@ConsumerType
public interface Tokenizer {

  /** Number of tokens; ids are 0 until this. */
  int vocabSize();

  /**
   * Text to ids. Never fails: characters without a token become byte tokens; lone surrogates are
   * replaced by U+FFFD.
   *
   * @param parts pieces of one text
   * @param addSpecial whether to add the tokens that the vocabulary wants at beginning and end
   */
  int[] encode(List<TextPart> parts, boolean addSpecial);

  /** The bytes a token stands for in text; for a control token those of its name. */
  byte[] bytes(int token);

  /** Whether a token is markup that is never shown as text. */
  boolean isControl(int token);

  /** Whether a token ends the generation. */
  boolean isEndOfGeneration(int token);

  /** Whether a token must never be generated, though the model may want it. */
  default boolean isSuppressed(int token) {
    return false;
  }

  /** A new converter of generated ids to text. */
  Detokenizer detokenizer();

  /** One text to ids; with {@code markup} control tokens named in it are recognised. */
  default int[] encode(String text, boolean addSpecial, boolean markup) {
    return encode(List.of(new TextPart(text, markup)), addSpecial);
  }
}
