package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SecretHashTest {

  private static final int PLACES = 1 << 10;

  private static int place(SecretHash hash, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return hash.of(bytes, 0, bytes.length) & (PLACES - 1);
  }

  @Test
  void dependsOnTheTextOnly() {
    byte[] text = "xxa text of some bytes".getBytes(StandardCharsets.UTF_8);
    byte[] copy = Arrays.copyOfRange(text, 2, text.length);

    assertEquals(
        SecretHash.DRAWN.of(copy, 0, copy.length), SecretHash.DRAWN.of(text, 2, text.length - 2));
  }

  @Test
  void zeroBytesAndBordersOfChunksCount() {
    for (int n = 0; n < 30; n++) {
      byte[] zeros = new byte[n];
      byte[] more = new byte[n + 1];
      assertTrue(
          SecretHash.DRAWN.of(zeros, 0, n) != SecretHash.DRAWN.of(more, 0, n + 1), n + " zeros");
    }
  }

  /** Whoever makes texts collide for one secret has made nothing for another. */
  @Test
  void collisionsOfOneSecretAreNoneOfAnother() {
    SecretHash known = new SecretHash(0x9E37_79B9_7F4A_7C15L);
    List<String> colliding =
        IntStream.range(0, 1 << 20)
            .mapToObj(i -> "token number " + i)
            .filter(t -> place(known, t) == 0)
            .toList();
    assertTrue(colliding.size() > 500, colliding.size() + " texts of one place");

    long places = colliding.stream().map(t -> place(SecretHash.DRAWN, t)).distinct().count();
    assertTrue(places > colliding.size() / 3, places + " places");
  }

  @Test
  void pairsOfOneSecretAreNoneOfAnother() {
    SecretHash known = new SecretHash(0x9E37_79B9_7F4A_7C15L);
    int[] colliding =
        IntStream.range(0, 1 << 20).filter(i -> known.of(i, i ^ 0x55, 10) == 0).toArray();
    assertTrue(colliding.length > 500, colliding.length + " pairs of one place");

    long places =
        IntStream.of(colliding).map(i -> SecretHash.DRAWN.of(i, i ^ 0x55, 10)).distinct().count();
    assertTrue(places > colliding.length / 3, places + " places");
  }
}
