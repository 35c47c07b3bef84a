package dev.serval.engine.gguf;

import dev.serval.api.error.ModelRefusedException.Reason;

/**
 * A file that must be refused.
 *
 * @param what how the file differs from a good one
 * @param bytes the file
 * @param reason the expected code
 * @param beginning of the expected message, behind the file's name: item, field and offset
 * @param part that the message contains: what was expected or got
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record HostileCase(String what, byte[] bytes, Reason reason, String beginning, String part) {

  /** A file that violates the format in a field. */
  static HostileCase malformed(
      String what, FieldedFile file, String item, String field, String part) {
    return malformed(what, file, item, field, file.offset(item, field), part);
  }

  /** A file that violates the format in a field which the reader reports with an offset. */
  static HostileCase malformed(
      String what, FieldedFile file, String item, String field, long offset, String part) {
    return new HostileCase(
        item + ", " + field + ": " + what,
        file.toArray(),
        Reason.MALFORMED,
        item + ", " + field + " at byte " + offset + ": expected ",
        part);
  }
}
