package dev.serval.engine.tokenizer;

import dev.serval.api.text.TextPart;
import java.util.Arrays;
import java.util.List;

/** Parts of a prompt as one text in UTF-8, which remembers what was markup. */
final class PromptText {

  /** The replacement character, for lone surrogates. */
  private static final int REPLACEMENT = 0xFFFD;

  private byte[] bytes;
  private int length;

  /** End of each part in {@link #bytes}, ascending. */
  private final int[] ends;

  private final boolean[] markup;
  private boolean hasMarkup;

  private PromptText(int parts, int chars) {
    this.bytes = new byte[chars + chars / 2 + 4];
    this.ends = new int[parts];
    this.markup = new boolean[parts];
  }

  /** Joins parts; a surrogate pair may lie across a border and then belongs to the later part. */
  static PromptText of(List<TextPart> pieces) {
    List<TextPart> parts = pieces.stream().filter(p -> !p.text().isEmpty()).toList();
    StringBuilder all = new StringBuilder();
    int[] charEnds = new int[parts.size()];
    for (int i = 0; i < charEnds.length; i++) {
      charEnds[i] = all.append(parts.get(i).text()).length();
    }
    PromptText text = new PromptText(charEnds.length, all.length());
    int part = 0;
    for (int i = 0; i < all.length(); ) {
      int c = all.codePointAt(i);
      i += Character.charCount(c);
      while (part < charEnds.length && charEnds[part] < i) {
        text.ends[part++] = text.length;
      }
      text.append(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? REPLACEMENT : c);
    }
    Arrays.fill(text.ends, part, charEnds.length, text.length);
    for (int i = 0; i < charEnds.length; i++) {
      text.markup[i] = parts.get(i).markup();
      text.hasMarkup |= text.markup[i];
    }
    return text;
  }

  private void append(int c) {
    if (bytes.length - length < 4) {
      bytes = Arrays.copyOf(bytes, Math.addExact(bytes.length, bytes.length / 2));
    }
    if (c < 0x80) {
      bytes[length++] = (byte) c;
    } else if (c < 0x800) {
      bytes[length++] = (byte) (0xC0 | (c >> 6));
      continuation(c);
    } else if (c < 0x10000) {
      bytes[length++] = (byte) (0xE0 | (c >> 12));
      continuation(c >> 6);
      continuation(c);
    } else {
      bytes[length++] = (byte) (0xF0 | (c >> 18));
      continuation(c >> 12);
      continuation(c >> 6);
      continuation(c);
    }
  }

  private void continuation(int bits) {
    bytes[length++] = (byte) (0x80 | (bits & 0x3F));
  }

  /** The text, valid up to {@link #length()}; not to be changed. */
  byte[] bytes() {
    return bytes;
  }

  /** Bytes of the text. */
  int length() {
    return length;
  }

  /** Whether any part is markup. */
  boolean hasMarkup() {
    return hasMarkup;
  }

  /** Whether all bytes of a range that is not empty come from markup. */
  boolean isMarkup(int from, int until) {
    int found = Arrays.binarySearch(ends, from + 1);
    int part = found < 0 ? -found - 1 : found;
    while (part > 0 && ends[part - 1] >= from + 1) {
      part--;
    }
    while (markup[part]) {
      if (ends[part] >= until) {
        return true;
      }
      part++;
    }
    return false;
  }
}
