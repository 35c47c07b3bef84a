package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenLogprobs;
import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LogprobLinesTest {

  /** Two tokens: a quote, and the first byte of a character. */
  private static final Tokenizer TOKENIZER =
      new Tokenizer() {
        @Override
        public int vocabSize() {
          return 2;
        }

        @Override
        public int[] encode(List<TextPart> parts, boolean addSpecial) {
          throw new UnsupportedOperationException();
        }

        @Override
        public byte[] bytes(int token) {
          return token == 0 ? "\"".getBytes(StandardCharsets.UTF_8) : new byte[] {(byte) 0xC3};
        }

        @Override
        public boolean isControl(int token) {
          return false;
        }

        @Override
        public boolean isEndOfGeneration(int token) {
          return false;
        }

        @Override
        public Detokenizer detokenizer() {
          throw new UnsupportedOperationException();
        }
      };

  @Test
  void writesATokenAndItsAlternativesAsOneLine() {
    TokenLogprobs p = new TokenLogprobs(-0.5, List.of(new TokenLogprobs.Alternative(1, -0.25)));
    String line = new LogprobLines(TOKENIZER).line(new TokenEvent(3, 0, "\"", Optional.of(p)));

    assertEquals(
        "{\"id\": 0, \"token\": \"\\\"\", \"bytes\": [34], \"logprob\": -0.5, \"top_logprobs\":"
            + " [{\"id\": 1, \"token\": \"\uFFFD\", \"bytes\": [195], \"logprob\": -0.25}]}"
            + System.lineSeparator(),
        line);
  }

  @Test
  void leavesOutTextWithoutAToken() {
    assertEquals("", new LogprobLines(TOKENIZER).line(new TokenEvent(3, -1, "rest")));
  }
}
