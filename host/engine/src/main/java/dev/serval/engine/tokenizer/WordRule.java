package dev.serval.engine.tokenizer;

import static dev.serval.engine.tokenizer.CharacterClass.CASELESS;
import static dev.serval.engine.tokenizer.CharacterClass.LETTER;
import static dev.serval.engine.tokenizer.CharacterClass.LINE_END;
import static dev.serval.engine.tokenizer.CharacterClass.LOWER;
import static dev.serval.engine.tokenizer.CharacterClass.MARK;
import static dev.serval.engine.tokenizer.CharacterClass.NUMBER;
import static dev.serval.engine.tokenizer.CharacterClass.PUNCTUATION;
import static dev.serval.engine.tokenizer.CharacterClass.REST;
import static dev.serval.engine.tokenizer.CharacterClass.SPACE;
import static dev.serval.engine.tokenizer.CharacterClass.UPPER;

/**
 * The expressions that descend from GPT-2's, as scanners without backtracking. They are
 * alternations that match at every offset: contraction, word, number, everything else, space. A
 * regular expression engine that backtracks takes a frame of its stack, or quadratic time, for long
 * runs; here no character is looked at more than a fixed number of times.
 *
 * @param letters classes that words are made of
 * @param gpt2 whether only a space may lead a word, a number may be led by one too, contractions
 *     are in small letters, and line ends are ordinary space
 * @param cased whether a capital after a small letter begins another word, and contractions belong
 *     to the word before them
 * @param digits most characters of a number, or 0 for any number of them
 * @param trailing characters that may follow symbols
 */
record WordRule(int letters, boolean gpt2, boolean cased, int digits, String trailing)
    implements PreTokenizer.Rule {

  /**
   * {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+} (GPT-2,
   * {@code encoder.py}).
   */
  static final WordRule GPT_2 = new WordRule(LETTER, true, false, 0, "");

  /**
   * {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
   * ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+} (Llama 3, {@code tokenizer.json}).
   */
  static final WordRule LLAMA_3 = new WordRule(LETTER, false, false, 3, "\r\n");

  /** Llama 3's with {@code \p{N}} (Qwen 2, {@code tokenizer.json}). */
  static final WordRule QWEN_2 = new WordRule(LETTER, false, false, 1, "\r\n");

  /** Qwen 2's with marks taken for letters (Qwen 3.5, {@code tokenizer.json}). */
  static final WordRule QWEN_35 = new WordRule(LETTER | MARK, false, false, 1, "\r\n");

  /**
   * Llama 3's, but for contractions, slashes that follow symbols, and words: with {@code U} for
   * {@code [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]} and {@code L} for {@code [\p{Ll}\p{Lm}\p{Lo}\p{M}]},
   * {@code [^\r\n\p{L}\p{N}]?U*L+(?i:'s|…)?|[^\r\n\p{L}\p{N}]?U+L*(?i:'s|…)?} (o200k, {@code
   * tiktoken_ext/openai_public.py}).
   */
  static final WordRule O200K = new WordRule(LETTER | MARK, false, true, 3, "\r\n/");

  @Override
  public int end(ScannedText text, int from) {
    int c = text.classAt(from);
    if (!cased && text.byteAt(from) == '\'') {
      int end = contraction(text, from);
      if (end != from) {
        return end;
      }
    }
    int word = cased ? casedWord(text, from, c) : word(text, from, c);
    if (word != from) {
      return word;
    }
    int led = text.byteAt(from) == ' ' ? from + 1 : from;
    if ((c & NUMBER) != 0 || (gpt2 && text.is(NUMBER, led))) {
      return number(text, led);
    }
    if (text.is(symbolClasses(), led)) {
      return symbols(text, led);
    }
    return space(text, from);
  }

  /** End of {@code 's|'t|'re|'ve|'m|'ll|'d} at an apostrophe, or its offset if there is none. */
  private int contraction(ScannedText text, int from) {
    if (text.byteAt(from) != '\'') {
      return from;
    }
    int fold = gpt2 ? 0 : 0x20;
    byte a = text.byteAt(from + 1);
    byte b = text.byteAt(from + 2);
    if (fold != 0 && a == (byte) 0xC5 && b == (byte) 0xBF) {
      return from + 3; // U+017F, the long s, is a small form of S
    }
    return switch (a | fold) {
      case 's', 't', 'm', 'd' -> from + 2;
      case 'r', 'v' -> (b | fold) == 'e' ? from + 3 : from;
      case 'l' -> (b | fold) == 'l' ? from + 3 : from;
      default -> from;
    };
  }

  /** End of a run of letters and the one character that may lead it; {@code from} if none. */
  private int word(ScannedText text, int from, int c) {
    if ((c & letters) != 0) {
      return text.endOfRun(letters, text.after(from));
    }
    boolean leads = gpt2 ? text.byteAt(from) == ' ' : (c & (LETTER | NUMBER | LINE_END)) == 0;
    if (!leads) {
      return from;
    }
    int first = text.after(from);
    int end = text.endOfRun(letters, first);
    return end == first ? from : end;
  }

  /**
   * End of a word that may begin with capitals, or {@code from}. After the run of {@code U}: small
   * letters go on; without them {@code U*L+} gives back all up to the last character that is also
   * an {@code L}; without such a one all of the run is {@code U+}.
   */
  private int casedWord(ScannedText text, int from, int c) {
    boolean leads = (c & (LETTER | NUMBER | LINE_END)) == 0;
    int first = leads ? text.after(from) : from;
    int lastBoth = -1;
    int at = first;
    for (int next = text.classAt(at); (next & (UPPER | CASELESS | MARK)) != 0; ) {
      if ((next & UPPER) == 0) {
        lastBoth = at;
      }
      at = text.after(at);
      next = text.classAt(at);
    }
    if (text.is(LOWER, at)) {
      return contraction(text, text.endOfRun(LOWER | CASELESS | MARK, at));
    }
    if (lastBoth >= 0) {
      return contraction(text, text.after(lastBoth));
    }
    if ((c & MARK) != 0) {
      return contraction(text, first); // it cannot lead the first alternative, but be all of it
    }
    return at == first ? from : contraction(text, at);
  }

  private int number(ScannedText text, int from) {
    if (digits == 0) {
      return text.endOfRun(NUMBER, from);
    }
    int at = from;
    for (int n = 0; n < digits && text.is(NUMBER, at); n++) {
      at = text.after(at);
    }
    return at;
  }

  /** {@code [^\s\p{L}\p{N}]}, without marks where they are letters. */
  private int symbolClasses() {
    return PUNCTUATION | REST | (cased || (letters & MARK) == 0 ? MARK : 0);
  }

  private int symbols(ScannedText text, int from) {
    int at = text.endOfRun(symbolClasses(), from);
    while (at < text.until() && trailing.indexOf(text.byteAt(at)) >= 0) {
      at++;
    }
    return at;
  }

  /** {@code \s*[\r\n]+} (not GPT-2), {@code \s+(?!\S)}, {@code \s+}. */
  private int space(ScannedText text, int from) {
    int lastLineEnd = -1;
    int last = from;
    int at = from;
    for (int c = text.classAt(at); (c & SPACE) != 0; c = text.classAt(at)) {
      if ((c & LINE_END) != 0) {
        lastLineEnd = at;
      }
      last = at;
      at = text.after(at);
    }
    if (lastLineEnd >= 0 && !gpt2) {
      return lastLineEnd + 1;
    }
    return at == text.until() || last == from ? at : last;
  }
}
