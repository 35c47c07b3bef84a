package dev.serval.it;

import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * EmbeddingGemma without graph, backend or engine: loops in double precision over one text, with
 * the mask written down for each pair of positions. Reads F32 tensors only.
 */
final class PlainEncoder {

  private static final double EPS = 1e-6f; // as files have it

  private final ModelSource source;
  private final Weights weights;
  private final int dim;
  private final int nLayers;
  private final int nHeads;
  private final int nKvHeads;
  private final int headDim;
  private final int window;

  PlainEncoder(ModelSource source, Weights weights) {
    this.source = source;
    this.weights = weights;
    dim = key("embedding_length");
    nLayers = key("block_count");
    nHeads = key("attention.head_count");
    nKvHeads = key("attention.head_count_kv");
    headDim = key("attention.key_length");
    window = key("attention.sliding_window");
  }

  private int key(String name) {
    return source.metadata().requireInt("gemma-embedding." + name, 1, 1 << 20);
  }

  /** The vector of a text, not normalised. */
  double[] embed(int... ids) {
    double[][] x = new double[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      x[t] = scaled(matrix("token_embd.weight")[ids[t]], Math.sqrt(dim));
    }
    for (int i = 0; i < nLayers; i++) {
      boolean local = i % 6 != 5;
      String block = "blk." + i + ".";
      double[][] attended = attend(block, x, local);
      for (int t = 0; t < ids.length; t++) {
        double[] a = times(block + "attn_output", attended[t]);
        x[t] = sum(x[t], norm(block + "post_attention_norm", a));
        double[] h = norm(block + "ffn_norm", x[t]);
        double[] gate = times(block + "ffn_gate", h);
        double[] up = times(block + "ffn_up", h);
        for (int k = 0; k < gate.length; k++) {
          gate[k] = gelu(gate[k]) * up[k];
        }
        x[t] = sum(x[t], norm(block + "post_ffw_norm", times(block + "ffn_down", gate)));
      }
    }
    double[] pooled = new double[dim];
    for (double[] row : x) {
      pooled = sum(pooled, norm("output_norm", row));
    }
    pooled = scaled(pooled, 1.0 / ids.length);
    return source.find("dense_2.weight").isPresent()
        ? times("dense_3", times("dense_2", pooled))
        : pooled;
  }

  private double[][] attend(String block, double[][] x, boolean local) {
    int n = x.length;
    double[][][] q = new double[n][][];
    double[][][] k = new double[n][][];
    double[][][] v = new double[n][][];
    for (int t = 0; t < n; t++) {
      double[] h = norm(block + "attn_norm", x[t]);
      q[t] = rotated(block + "attn_q_norm", split(times(block + "attn_q", h)), t, local);
      k[t] = rotated(block + "attn_k_norm", split(times(block + "attn_k", h)), t, local);
      v[t] = split(times(block + "attn_v", h));
    }
    double[][] out = new double[n][nHeads * headDim];
    for (int t = 0; t < n; t++) {
      for (int head = 0; head < nHeads; head++) {
        int g = head / (nHeads / nKvHeads);
        double[] e = new double[n];
        double total = 0;
        for (int s = 0; s < n; s++) {
          boolean visible = !local || Math.abs(t - s) <= window / 2;
          e[s] = visible ? Math.exp(dot(q[t][head], k[s][g]) / Math.sqrt(headDim)) : 0;
          total += e[s];
        }
        for (int s = 0; s < n; s++) {
          for (int d = 0; d < headDim; d++) {
            out[t][head * headDim + d] += e[s] / total * v[s][g][d];
          }
        }
      }
    }
    return out;
  }

  private double[][] rotated(String norm, double[][] heads, int position, boolean local) {
    double base = local ? 1e4 : 1e6;
    double[][] out = new double[heads.length][];
    for (int h = 0; h < heads.length; h++) {
      double[] a = norm(norm, heads[h]);
      out[h] = new double[headDim];
      for (int p = 0; p < headDim / 2; p++) {
        double angle = position * Math.pow(base, -2.0 * p / headDim);
        int other = p + headDim / 2;
        out[h][p] = a[p] * Math.cos(angle) - a[other] * Math.sin(angle);
        out[h][other] = a[p] * Math.sin(angle) + a[other] * Math.cos(angle);
      }
    }
    return out;
  }

  private double[][] split(double[] heads) {
    double[][] out = new double[heads.length / headDim][headDim];
    for (int i = 0; i < heads.length; i++) {
      out[i / headDim][i % headDim] = heads[i];
    }
    return out;
  }

  private double[] norm(String name, double[] x) {
    double[] w = matrix(name + ".weight")[0];
    double[] y = scaled(x, 1 / Math.sqrt(dot(x, x) / x.length + EPS));
    for (int i = 0; i < y.length; i++) {
      y[i] *= w[i];
    }
    return y;
  }

  private double[] times(String name, double[] x) {
    double[][] w = matrix(name + ".weight");
    double[] y = new double[w.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = dot(w[i], x);
    }
    return y;
  }

  /** The rows of a tensor. */
  private double[][] matrix(String name) {
    TensorView t = source.tensor(name);
    MemorySegment data = weights.data(t.source());
    int width = (int) t.shape().ne0();
    double[][] rows = new double[(int) t.shape().rows()][width];
    for (int i = 0; i < rows.length * width; i++) {
      rows[i / width][i % width] = data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
    }
    return rows;
  }

  private static double gelu(double x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double[] sum(double[] a, double[] b) {
    double[] c = a.clone();
    for (int i = 0; i < c.length; i++) {
      c[i] += b[i];
    }
    return c;
  }

  private static double[] scaled(double[] a, double factor) {
    double[] c = a.clone();
    for (int i = 0; i < c.length; i++) {
      c[i] *= factor;
    }
    return c;
  }
}
