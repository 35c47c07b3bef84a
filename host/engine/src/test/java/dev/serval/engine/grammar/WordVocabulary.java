package dev.serval.engine.grammar;

import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A vocabulary of an end token (0), a control token {@code <c>} (1), then single bytes, then words.
 * Texts are encoded byte by byte.
 */
final class WordVocabulary implements Tokenizer {

  static final int END = 0;
  static final int CONTROL = 1;
  private static final int FIRST = 2;

  private final List<byte[]> texts = new ArrayList<>();

  private WordVocabulary() {
    texts.add("</s>".getBytes(StandardCharsets.UTF_8));
    texts.add("<c>".getBytes(StandardCharsets.UTF_8));
  }

  /** Every byte, and some words. */
  static WordVocabulary bytesAnd(String... words) {
    WordVocabulary v = new WordVocabulary();
    for (int b = 0; b < 256; b++) {
      v.texts.add(new byte[] {(byte) b});
    }
    return v.with(words);
  }

  /** Some words only. */
  static WordVocabulary of(String... words) {
    return new WordVocabulary().with(words);
  }

  private WordVocabulary with(String... words) {
    for (String w : words) {
      texts.add(w.getBytes(StandardCharsets.UTF_8));
    }
    return this;
  }

  /** Adds a token that is no text by itself. */
  WordVocabulary with(byte[] bytes) {
    texts.add(bytes);
    return this;
  }

  int id(String word) {
    for (int id = FIRST; id < texts.size(); id++) {
      if (new String(texts.get(id), StandardCharsets.UTF_8).equals(word)) {
        return id;
      }
    }
    throw new AssertionError("no token " + word);
  }

  @Override
  public int vocabSize() {
    return texts.size();
  }

  @Override
  public int[] encode(List<TextPart> parts, boolean addSpecial) {
    StringBuilder text = new StringBuilder();
    parts.forEach(p -> text.append(p.text()));
    if (parts.getFirst().markup() && text.toString().equals("<c>")) {
      return new int[] {CONTROL};
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = FIRST + (bytes[i] & 0xFF);
    }
    return ids;
  }

  @Override
  public byte[] bytes(int token) {
    return texts.get(token).clone();
  }

  @Override
  public boolean isControl(int token) {
    return token == CONTROL || token == END;
  }

  @Override
  public boolean isEndOfGeneration(int token) {
    return token == END;
  }

  @Override
  public Detokenizer detokenizer() {
    throw new UnsupportedOperationException("not needed");
  }
}
