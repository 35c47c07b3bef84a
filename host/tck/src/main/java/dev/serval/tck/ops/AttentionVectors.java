package dev.serval.tck.ops;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.ops.AttentionCase.Cache;
import dev.serval.tck.weights.TestWeights;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Attention of six tokens by four query heads over two key/value heads of width 4, computed in
 * double precision by an independent script. With head h or g, token i or j and element d:
 *
 * <pre>
 * q = sin(1 + 0.7h + 1.3i + 0.5d)    k = cos(0.3 + 0.9g + 0.8j − 0.4d)
 * v = (((3j + 5g + 7d) mod 11) − 5) / 4    scale 0.5
 * </pre>
 */
public final class AttentionVectors {

  /** Tokens of the sequence. */
  public static final int TOKENS = 6;

  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int DIM = 4;
  private static final float[] SINKS = {0.5f, -1, 2, 0};

  /**
   * One expected row.
   *
   * @param name mask and extras
   * @param mask what is visible
   * @param sinks whether the heads have the sinks 0.5, −1, 2, 0
   * @param softCap cap of the scores, 0 for none
   * @param row the token
   * @param expected [heads, dim], as text
   */
  public record Vector(
      String name, MaskKind mask, boolean sinks, float softCap, int row, String expected) {

    /** The expected row, [heads · dim]. */
    public float[] numbers() {
      String[] words = expected.strip().split("\\s+");
      float[] x = new float[words.length];
      for (int i = 0; i < x.length; i++) {
        x[i] = Float.parseFloat(words[i]);
      }
      return x;
    }

    /** The graph that computes it, given token ids 0 to 5. */
    public AttentionCase attention() {
      Cache cache = mask.isCausal() ? Cache.SLOT : Cache.NONE;
      return AttentionVectors.attention(name, mask, sinks, softCap, cache);
    }
  }

  private AttentionVectors() {}

  /** The case over the tables above. */
  public static AttentionCase attention(
      String name, MaskKind mask, boolean sinks, float softCap, Cache cache) {
    TestWeights w = new TestWeights(0);
    TensorView q = w.add("q", DataType.F32, queries(), HEADS * DIM, TOKENS);
    TensorView k = w.add("k", DataType.F32, keys(), KV_HEADS * DIM, TOKENS);
    TensorView v = w.add("v", DataType.F32, values(), KV_HEADS * DIM, TOKENS);
    AttentionSpec spec = new AttentionSpec(HEADS, KV_HEADS, DIM, 0.5f, mask).withSoftCap(softCap);
    AttentionSpec full = sinks ? spec.withSinks(w.add("sinks", DataType.F32, SINKS, HEADS)) : spec;
    return new AttentionCase(name, w, AttentionCase.graph(full, q, k, v, cache));
  }

  private static float[] queries() {
    float[] x = new float[TOKENS * HEADS * DIM];
    for (int n = 0; n < x.length; n++) {
      int d = n % DIM;
      int h = n / DIM % HEADS;
      int i = n / DIM / HEADS;
      x[n] = (float) Math.sin(1 + 0.7 * h + 1.3 * i + 0.5 * d);
    }
    return x;
  }

  private static float[] keys() {
    float[] x = new float[TOKENS * KV_HEADS * DIM];
    for (int n = 0; n < x.length; n++) {
      int d = n % DIM;
      int g = n / DIM % KV_HEADS;
      int j = n / DIM / KV_HEADS;
      x[n] = (float) Math.cos(0.3 + 0.9 * g + 0.8 * j - 0.4 * d);
    }
    return x;
  }

  private static float[] values() {
    float[] x = new float[TOKENS * KV_HEADS * DIM];
    for (int n = 0; n < x.length; n++) {
      int d = n % DIM;
      int g = n / DIM % KV_HEADS;
      int j = n / DIM / KV_HEADS;
      x[n] = ((3 * j + 5 * g + 7 * d) % 11 - 5) / 4f;
    }
    return x;
  }

  /** All vectors, from {@code attention-vectors.txt} beside this class. */
  public static List<Vector> all() {
    List<Vector> vectors = new ArrayList<>();
    StringBuilder numbers = new StringBuilder();
    for (String line : text().lines().filter(l -> !l.startsWith("#")).toList().reversed()) {
      if (line.startsWith(" ")) {
        numbers.insert(0, line);
      } else {
        vectors.addFirst(vector(line.split(" \\| "), numbers.toString()));
        numbers.setLength(0);
      }
    }
    return vectors;
  }

  private static Vector vector(String[] head, String expected) {
    MaskKind mask = new MaskKind(MaskKind.Type.valueOf(head[1]), Integer.parseInt(head[2]));
    return new Vector(
        head[0],
        mask,
        Boolean.parseBoolean(head[3]),
        Float.parseFloat(head[4]),
        Integer.parseInt(head[5]),
        expected);
  }

  private static String text() {
    try (InputStream in = AttentionVectors.class.getResourceAsStream("attention-vectors.txt")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
