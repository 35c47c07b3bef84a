package dev.serval.tck.reference;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvSlot;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * {@link AttentionOp} in double precision: scores, soft cap, maximum, exponentials and sums in
 * ascending position, normalised once at the end.
 */
final class AttentionLoops {

  /** Key and value elements of the visible tokens of one row, in ascending position. */
  private interface Visible {
    int count();

    double key(int j, int head, int i);

    double value(int j, int head, int i);
  }

  private final Graph graph;
  private final WeightReader weights;
  private final ReferenceKv kv;
  private final CellTable table;

  AttentionLoops(Graph graph, WeightReader weights, ReferenceKv kv, CellTable table) {
    this.graph = graph;
    this.weights = weights;
    this.kv = kv;
    this.table = table;
  }

  List<Numbers> apply(AttentionOp op, List<Numbers> in, Step step) {
    return switch (op) {
      case AttentionOp.Rope r -> List.of(rope(r.spec(), in.get(0), in.get(1)));
      case AttentionOp.KvStore s -> {
        store(s.slot(), in.get(0), in.get(1), step);
        yield List.of();
      }
      case AttentionOp.Attend a -> List.of(attend(a, in.getFirst(), step));
      case AttentionOp.AttendStep a -> List.of(attendStep(a.spec(), in, step));
    };
  }

  private Numbers rope(RopeSpec spec, Numbers x, Numbers positions) {
    Rotation rotation = new Rotation(spec, weights);
    Numbers y = x.like();
    int heads = x.size(1);
    double[] head = new double[x.last()];
    for (int h = 0; h < x.size(0) * heads; h++) {
      for (int i = 0; i < head.length; i++) {
        head[i] = x.get(h * head.length + i);
      }
      rotation.turn(head, (int) positions.get(h / heads), spec.magnitude());
      for (int i = 0; i < head.length; i++) {
        y.set(h * head.length + i, head[i]);
      }
    }
    return y;
  }

  private void store(KvSlot slot, Numbers k, Numbers v, Step step) {
    int group = graph.group(slot.mask()).index();
    ReferenceKv.Rows rows = kv.rows(slot);
    for (int row = 0; row < step.tokens(); row++) {
      int cell = step.cell(group, row);
      rows.set(cell, 0, row(k, row, slot.keyWidth()));
      rows.set(cell, slot.keyWidth(), row(v, row, slot.valueWidth()));
    }
  }

  private static double[] row(Numbers x, int row, int width) {
    double[] elements = new double[width];
    Arrays.setAll(elements, i -> x.get(row * width + i));
    return elements;
  }

  private Numbers attend(AttentionOp.Attend op, Numbers q, Step step) {
    KvSlot slot = op.slot();
    int group = graph.group(slot.mask()).index();
    ReferenceKv.Rows rows = kv.rows(slot);
    float[] sinks = sinks(op.spec());
    Numbers out = Numbers.zeros(q.size(0), q.size(1), slot.valueDim());
    for (int row = 0; row < step.tokens(); row++) {
      int[] cells = new int[step.until(group, row) - step.from(group, row)];
      for (int j = 0; j < cells.length; j++) {
        cells[j] = table.cell(group, step.sequence(row), step.from(group, row) + j);
      }
      Visible visible =
          new Visible() {
            @Override
            public int count() {
              return cells.length;
            }

            @Override
            public double key(int j, int head, int i) {
              return rows.get(cells[j], head * slot.keyDim() + i);
            }

            @Override
            public double value(int j, int head, int i) {
              return rows.get(cells[j], slot.keyWidth() + head * slot.valueDim() + i);
            }
          };
      attendRow(op.spec(), sinks, q, row, visible, out);
    }
    return out;
  }

  private Numbers attendStep(AttentionSpec spec, List<Numbers> in, Step step) {
    Numbers q = in.get(0);
    Numbers k = in.get(1);
    Numbers v = in.get(2);
    int group = graph.group(spec.mask()).index();
    float[] sinks = sinks(spec);
    Numbers out = Numbers.zeros(q.size(0), q.size(1), spec.valueDim());
    for (int row = 0; row < step.tokens(); row++) {
      int[] rows = visibleRows(step, group, row);
      Visible visible =
          new Visible() {
            @Override
            public int count() {
              return rows.length;
            }

            @Override
            public double key(int j, int head, int i) {
              return k.get((rows[j] * spec.nKvHeads() + head) * spec.keyDim() + i);
            }

            @Override
            public double value(int j, int head, int i) {
              return v.get((rows[j] * spec.nKvHeads() + head) * spec.valueDim() + i);
            }
          };
      attendRow(spec, sinks, q, row, visible, out);
    }
    return out;
  }

  /** Rows of the same sequence whose position lies in the interval that a row sees. */
  private static int[] visibleRows(Step step, int group, int row) {
    return IntStream.range(0, step.tokens())
        .filter(j -> step.sequence(j) == step.sequence(row))
        .filter(j -> step.position(j) >= step.from(group, row))
        .filter(j -> step.position(j) < step.until(group, row))
        .toArray();
  }

  /** One logit per head, or nothing. */
  private float[] sinks(AttentionSpec spec) {
    return spec.sinks().map(weights::all).orElse(new float[0]);
  }

  private static void attendRow(
      AttentionSpec spec, float[] sinks, Numbers q, int row, Visible visible, Numbers out) {
    for (int h = 0; h < spec.nHeads(); h++) {
      int g = h / (spec.nHeads() / spec.nKvHeads());
      int query = (row * spec.nHeads() + h) * spec.keyDim();
      double[] z = new double[visible.count()];
      double max = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < z.length; j++) {
        double dot = 0;
        for (int i = 0; i < spec.keyDim(); i++) {
          dot += q.get(query + i) * visible.key(j, g, i);
        }
        z[j] = spec.scale() * dot;
        if (spec.softCap() > 0) {
          z[j] = spec.softCap() * Math.tanh(z[j] / spec.softCap());
        }
        max = Math.max(max, z[j]);
      }
      double sum = 0;
      if (sinks.length > 0) {
        max = Math.max(max, sinks[h]);
        sum = Math.exp(sinks[h] - max);
      }
      for (int j = 0; j < z.length; j++) {
        z[j] = Math.exp(z[j] - max);
        sum += z[j];
      }
      for (int i = 0; i < spec.valueDim() && z.length > 0; i++) {
        double weighted = 0;
        for (int j = 0; j < z.length; j++) {
          weighted += z[j] * visible.value(j, g, i);
        }
        out.set((row * spec.nHeads() + h) * spec.valueDim() + i, weighted / sum);
      }
    }
  }
}
