package dev.serval.models.gemma;

import static dev.serval.models.gemma.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GemmaConfigTest {

  private static Metadata mini() {
    return GemmaHeaders.llamaCpp(GemmaHeaders.MINI).metadata();
  }

  private static Metadata.Builder but() {
    return mini().toBuilder();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma3.block_count",
        "gemma3.embedding_length",
        "gemma3.feed_forward_length",
        "gemma3.attention.head_count",
        "gemma3.attention.layer_norm_rms_epsilon",
        "gemma3.rope.freq_base",
      })
  void namesAMissingKey(String key) {
    assertRefused(Reason.KEY_MISSING, () -> GemmaConfig.of(mini().without(key)), key);
  }

  static Stream<Arguments> integersOutOfRange() {
    return Stream.of(
        Arguments.of("gemma3.block_count", 0),
        Arguments.of("gemma3.block_count", 513),
        Arguments.of("gemma3.embedding_length", 0),
        Arguments.of("gemma3.embedding_length", 1L << 32),
        Arguments.of("gemma3.feed_forward_length", 0),
        Arguments.of("gemma3.feed_forward_length", Long.MAX_VALUE),
        Arguments.of("gemma3.attention.head_count", 0),
        Arguments.of("gemma3.attention.head_count", 1L << 31),
        Arguments.of("gemma3.attention.head_count_kv", 0),
        Arguments.of("gemma3.attention.head_count_kv", 3),
        Arguments.of("gemma3.attention.head_count_kv", 8),
        Arguments.of("gemma3.attention.key_length", 0),
        Arguments.of("gemma3.attention.key_length", 31),
        Arguments.of("gemma3.attention.key_length", 1L << 20),
        Arguments.of("gemma3.attention.value_length", 16),
        Arguments.of("gemma3.rope.dimension_count", 16),
        Arguments.of("gemma3.attention.sliding_window", -1),
        Arguments.of("gemma3.attention.sliding_window_pattern", 0));
  }

  @ParameterizedTest
  @MethodSource("integersOutOfRange")
  void refusesAnIntegerOutOfRange(String key, long value) {
    refuses(key, but().put(key, value));
  }

  static Stream<Arguments> realsOutOfRange() {
    return Stream.of(
            "gemma3.attention.layer_norm_rms_epsilon",
            "gemma3.rope.freq_base",
            "gemma3.rope.freq_base_swa",
            "gemma3.rope.scaling.factor")
        .flatMap(key ->
            Stream.of(0.0, -1.0, Double.NaN, Double.POSITIVE_INFINITY)
                .map(x -> Arguments.of(key, x)));
  }

  @ParameterizedTest
  @MethodSource("realsOutOfRange")
  void refusesANumberThatIsNotPositive(String key, double value) {
    refuses(key, but().put(key, value));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-30, Double.NaN, Double.POSITIVE_INFINITY})
  void refusesAnUnusableSoftCap(double cap) {
    String key = "gemma3.final_logit_softcapping";
    refuses(key, but().put(key, cap));
  }

  @Test
  void refusesAnEpsilonTooSmallForAFloat() {
    String key = "gemma3.attention.layer_norm_rms_epsilon";
    refuses(key, but().put(key, 1e-60));
  }

  @Test
  void refusesAPatternOfAnotherLength() {
    String key = "gemma3.attention.sliding_window_pattern";
    refuses(key, but().put(key, new boolean[6]));
    refuses(key, but().put(key, new long[8]));
  }

  @Test
  void refusesHeadCountsThatDifferByLayer() {
    String key = "gemma3.attention.head_count_kv";
    refuses(key, but().put(key, new long[] {2, 2, 2, 1, 2, 2, 2}));
    refuses(key, but().put(key, new long[] {2, 2, 2}));
  }

  @Test
  void acceptsEqualHeadCountsByLayer() {
    long[] counts = new long[7];
    Arrays.fill(counts, 2);
    Metadata m = but().put("gemma3.attention.head_count_kv", counts).build();
    assertEquals(2, GemmaConfig.of(m).nKvHeads());
  }

  @Test
  void refusesAnotherKindOfRopeScaling() {
    String key = "gemma3.rope.scaling.type";
    refuses(key, but().put(key, "yarn"));
  }

  @Test
  void scalingOfTypeNoneIgnoresTheFactor() {
    Metadata m =
        but()
            .put("gemma3.rope.scaling.type", "none")
            .put("gemma3.rope.scaling.factor", 8.0)
            .build();
    assertEquals(1, GemmaConfig.of(m).ropeFactor());
  }

  @Test
  void absentHeadWidthAndKvHeadsFollowFromTheOthers() {
    Metadata m =
        mini()
            .without("gemma3.attention.key_length")
            .without("gemma3.attention.value_length")
            .without("gemma3.attention.head_count_kv");
    assertEquals(16, GemmaConfig.of(m).headDim());
    assertEquals(4, GemmaConfig.of(m).nKvHeads());
  }

  @Test
  void refusesAnAbsentHeadWidthThatWouldBeOdd() {
    refuses(
        "gemma3.attention.key_length",
        but().put("gemma3.embedding_length", 60).build().without("gemma3.attention.key_length"));
  }

  private static void refuses(String key, Metadata.Builder m) {
    refuses(key, m.build());
  }

  private static void refuses(String key, Metadata m) {
    assertRefused(Reason.KEY_INVALID, () -> GemmaConfig.of(m), key + ": expected");
  }
}
