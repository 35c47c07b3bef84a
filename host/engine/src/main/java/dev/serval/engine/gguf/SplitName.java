package dev.serval.engine.gguf;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Name of one file of a split model: {@code <prefix>-NNNNN-of-MMMMM.gguf}, five digits each (the
 * form of llama.cpp's {@code llama_split_path}).
 *
 * @param prefix everything before the number
 * @param number of this file, from 1
 * @param count files of the model
 */
record SplitName(String prefix, int number, int count) {

  private static final Pattern FORM = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  /** The parts of a file name, or empty if it has another form. */
  static Optional<SplitName> of(String fileName) {
    Matcher m = FORM.matcher(fileName);
    return m.matches()
        ? Optional.of(
            new SplitName(m.group(1), Integer.parseInt(m.group(2)), Integer.parseInt(m.group(3))))
        : Optional.empty();
  }

  /** Name of another file of the same model, which lies in the same folder. */
  String sibling(int otherNumber) {
    return String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", prefix, otherNumber, count);
  }
}
