package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StreamingDetokenizerTest {

  private static final Tokenizer BYTES = Vocab.basic().bytes().tokenizer();

  private static String streamed(byte[] bytes) {
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = 3 + (bytes[i] & 0xFF);
    }
    return SpmTokenizerTest.text(BYTES, ids);
  }

  private static String appended(Detokenizer d, int token) {
    StringBuilder text = new StringBuilder();
    d.append(token, text);
    return text.toString();
  }

  private static String flushed(Detokenizer d) {
    StringBuilder text = new StringBuilder();
    d.flush(text);
    return text.toString();
  }

  @Test
  void everySplitGivesTheSameText() {
    String text = "a\u0000é▂\uFFFD日😀\u07FF\u0800\uD7FF\uE000\uFFFF\uD800\uDC00\uDBFF\uDFFFz";
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    for (int i = 1; i < bytes.length; i++) {
      Tokenizer t =
          Vocab.basic()
              .add(Arrays.copyOf(bytes, i), 0, TokenType.NORMAL)
              .add(Arrays.copyOfRange(bytes, i, bytes.length), 0, TokenType.NORMAL)
              .tokenizer();
      assertEquals(text, SpmTokenizerTest.text(t, 3, 4), "split at " + i);
    }
  }

  @Test
  void neverEmitsPartOfCharacter() {
    Detokenizer d = BYTES.detokenizer();
    byte[] smile = "😀".getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 3; i++) {
      assertEquals("", appended(d, 3 + (smile[i] & 0xFF)));
    }
    assertEquals("😀", appended(d, 3 + (smile[3] & 0xFF)));
    assertEquals("", flushed(d));
  }

  @Test
  void unfinishedCharacterBecomesOneReplacement() {
    Detokenizer d = BYTES.detokenizer();
    assertEquals("", appended(d, 3 + 0xF0));
    assertEquals("", appended(d, 3 + 0x9F));
    assertEquals("\uFFFD", flushed(d));
    assertEquals("x", appended(d, 3 + 'x'));
  }

  @Test
  void invalidByteIsReplacedAtOnce() {
    Detokenizer d = BYTES.detokenizer();
    assertEquals("\uFFFD", appended(d, 3 + 0xFF));
    assertEquals("", appended(d, 3 + 0xE2));
    assertEquals("\uFFFDa", appended(d, 3 + 'a'));
    assertEquals("\uFFFD", appended(d, 3 + 0x80));
  }

  /** Unicode 17, tables 3-8 to 3-11; every {@code ?} is U+FFFD. */
  @ParameterizedTest
  @CsvSource({
    "C0AFE080BFF0818241, ????????A",
    "EDA080EDBFBFEDAF41, ????????A",
    "F4919293FF4180BF42, ?????A??B",
    "E180E2F09192F1BF41, ????A"
  })
  void replacesMaximalSubparts(String hex, String expected) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    assertEquals(expected.replace('?', '\uFFFD'), streamed(bytes));
  }

  /** The JDK differs from Unicode's advice on encoded surrogates (ED A0 to ED BF) only. */
  @Test
  void malformedBytesDecodeAsTheJdkDecodesThem() {
    int[] interesting = {
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
      0xEC, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF
    };
    for (long seed = 0; seed < 3000; seed++) {
      Random random = new Random(seed);
      byte[] bytes = new byte[1 + random.nextInt(8)];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) interesting[random.nextInt(interesting.length)];
      }
      assertEquals(
          new String(bytes, StandardCharsets.UTF_8),
          streamed(bytes),
          HexFormat.of().formatHex(bytes));
    }
  }

  @Test
  void controlTokensPrintNothing() {
    Detokenizer d = BYTES.detokenizer();
    assertEquals("", appended(d, 1));
    assertEquals("", appended(d, 0));
    assertEquals("", appended(d, 2));
  }
}
