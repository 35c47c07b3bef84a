package dev.serval.engine.recall;

import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Ids 2 until {@link #VOCAB} are letters from 'a'; 0 ends a generation, 1 is other markup. */
public final class LetterTokenizer implements Tokenizer {

  public static final int VOCAB = 28;
  public static final int END = 0;

  private final int suppressed;

  public LetterTokenizer() {
    this(-1);
  }

  public LetterTokenizer(int suppressed) {
    this.suppressed = suppressed;
  }

  public static int id(char letter) {
    return letter - 'a' + 2;
  }

  public static int[] ids(String letters) {
    return letters.chars().map(c -> c - 'a' + 2).toArray();
  }

  @Override
  public int vocabSize() {
    return VOCAB;
  }

  @Override
  public int[] encode(List<TextPart> parts, boolean addSpecial) {
    StringBuilder text = new StringBuilder();
    parts.forEach(p -> text.append(p.text()));
    return ids(text.toString());
  }

  @Override
  public byte[] bytes(int token) {
    return text(token).getBytes(StandardCharsets.UTF_8);
  }

  public static String text(int token) {
    return token < 2 ? "" : String.valueOf((char) ('a' + token - 2));
  }

  @Override
  public boolean isControl(int token) {
    return token < 2;
  }

  @Override
  public boolean isEndOfGeneration(int token) {
    return token == END;
  }

  @Override
  public boolean isSuppressed(int token) {
    return token == suppressed;
  }

  @Override
  public Detokenizer detokenizer() {
    return new Detokenizer() {
      @Override
      public void append(int token, StringBuilder text) {
        text.append(text(token));
      }

      @Override
      public void flush(StringBuilder text) {}
    };
  }
}
