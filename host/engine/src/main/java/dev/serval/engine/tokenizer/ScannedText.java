package dev.serval.engine.tokenizer;

/**
 * A range of a text as the pre-tokenizers read it: nothing exists outside. Counts the characters
 * looked at. Confined to one thread.
 */
final class ScannedText {

  private final byte[] bytes;
  private int until;
  private long visits;

  /** Starts with an empty range of well-formed UTF-8. */
  ScannedText(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Ends the range elsewhere; {@code end} is the border of a character. */
  void limit(int end) {
    this.until = end;
  }

  /** End of the range. */
  int until() {
    return until;
  }

  /** The class of the character at an offset; 0, which is in no set, at the end of the range. */
  int classAt(int at) {
    visits++;
    return at < until ? CharacterClass.of(Utf8.codePoint(bytes, at)) : 0;
  }

  /** Whether the class of the character at an offset is in a set. */
  boolean is(int set, int at) {
    return (classAt(at) & set) != 0;
  }

  /** The byte at an offset; 0 at the end of the range. */
  byte byteAt(int at) {
    visits++;
    return at < until ? bytes[at] : 0;
  }

  /** Offset of the character that follows the one at an offset. */
  int after(int at) {
    return at + Utf8.bytes(bytes[at]);
  }

  /** End of the longest run of characters of a set, which may be empty. */
  int endOfRun(int set, int from) {
    int at = from;
    while (is(set, at)) {
      at = after(at);
    }
    return at;
  }

  /** Number of characters and bytes looked at so far. */
  long visits() {
    return visits;
  }
}
