package dev.serval.api.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class MaskKindTest {

  private static final int LENGTH = 40;

  private static boolean visible(MaskKind mask, int i, int j) {
    int w = mask.window();
    return switch (mask.type()) {
      case CAUSAL -> j <= i;
      case SLIDING -> j <= i && i - j < w;
      case CHUNKED -> j <= i && j >= Math.floorDiv(i, w) * w;
      case SYMMETRIC -> Math.abs(i - j) <= w / 2;
      case BIDIRECTIONAL -> true;
    };
  }

  @Test
  void intervalsAreTheRulesOfTheKinds() {
    for (MaskKind mask :
        List.of(
            MaskKind.CAUSAL,
            MaskKind.sliding(1),
            MaskKind.sliding(7),
            MaskKind.chunked(8),
            MaskKind.symmetric(6),
            MaskKind.symmetric(7),
            MaskKind.BIDIRECTIONAL)) {
      for (int i = 0; i < LENGTH; i++) {
        for (int j = 0; j < LENGTH; j++) {
          boolean inside = j >= mask.visibleFrom(i) && j < mask.visibleUntil(i, LENGTH);
          assertEquals(visible(mask, i, j), inside, mask + ", query " + i + ", key " + j);
        }
      }
    }
  }

  @Test
  void windowIsGivenExactlyWhereTheRuleHasOne() {
    assertThrows(IllegalArgumentException.class, () -> new MaskKind(MaskKind.Type.CAUSAL, 4));
    assertThrows(IllegalArgumentException.class, () -> MaskKind.sliding(0));
  }

  @Test
  void headsMustBeAMultipleOfKeyValueHeads() {
    assertThrows(
        IllegalArgumentException.class, () -> new AttentionSpec(6, 4, 64, 1, MaskKind.CAUSAL));
    assertThrows(
        IllegalArgumentException.class,
        () -> new AttentionSpec(4, 4, 64, Float.NaN, MaskKind.CAUSAL));
  }
}
