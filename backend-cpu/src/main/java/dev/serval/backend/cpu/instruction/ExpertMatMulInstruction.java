package dev.serval.backend.cpu.instruction;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.backend.cpu.kernel.MatmulKernel;
import dev.serval.backend.cpu.kernel.PackedMatrix;
import dev.serval.backend.cpu.kernel.RoundedRow;
import dev.serval.backend.cpu.kernel.RowForm;
import dev.serval.backend.cpu.kernel.RowKernel;
import dev.serval.backend.cpu.kernel.TileScratch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A linear layer per chosen expert. The choices are sorted by expert and their inputs gathered, so
 * that each expert's weights are read once for all its rows; then the results are put back.
 *
 * <pre>
 * sorted choice s:   0 1 2 | 3 | 4 5 ...      segments: runs of one expert
 * order[s]           index of the choice in ids, [rows · k]
 * </pre>
 *
 * <p>A unit is one tile of one segment.
 */
public final class ExpertMatMulInstruction extends SplitInstruction {

  /**
   * Memory for the sorted choices.
   *
   * @param memory the memory
   * @param inputs floats before the gathered inputs: [choices, in], each row followed by its sums
   *     or rounded, if the weights want that
   * @param results floats before the results in sorted order, [choices, out]
   */
  public record Sorted(MemorySegment memory, long inputs, long results) {}

  private final List<PackedMatrix> experts;
  private final Optional<MemorySegment> bias;
  private final Operand x;
  private final Operand ids;
  private final Operand y;
  private final Sorted sorted;
  private final RowForm form;
  private final int group;
  private final MatMulInstruction.Counters counters;
  private final int[] order;
  private final int[] segmentExpert;
  private final int[] segmentStart;
  private final int[] next;
  private int segments;

  /**
   * y[row, c] = W[ids[row, c]] x + b[ids[row, c]].
   *
   * @param bias [experts, out] F32
   * @param form what inputs become where they are gathered
   * @param maxRows largest number of rows of ids
   */
  public ExpertMatMulInstruction(
      List<PackedMatrix> experts,
      Optional<MemorySegment> bias,
      Operand x,
      Operand ids,
      Operand y,
      Sorted sorted,
      RowForm form,
      int maxRows,
      MatMulInstruction.Counters counters) {
    this.experts = List.copyOf(experts);
    this.bias = bias;
    this.x = x;
    this.ids = ids;
    this.y = y;
    this.sorted = sorted;
    this.form = form;
    this.group = form.group(experts.getFirst().type());
    this.counters = counters;
    int choices = Math.multiplyExact(maxRows, ids.type().last());
    int most = Math.min(choices, experts.size());
    this.order = new int[choices];
    this.segmentExpert = new int[most];
    this.segmentStart = new int[most + 1];
    this.next = new int[experts.size() + 1];
  }

  @Override
  public void run(StepRun run) {
    sort(run, Math.toIntExact(ids.elements(run)));
    gather(run);
    for (int s = 0; s < segments; s++) {
      counters.count(segmentStart[s + 1] - segmentStart[s]);
    }
    super.run(run);
    scatter(run);
  }

  /** Counting sort of the choices by expert, stable. */
  private void sort(StepRun run, int choices) {
    Arrays.fill(next, 0);
    for (int i = 0; i < choices; i++) {
      int expert = ids.intAt(run, i);
      if (expert < 0 || expert >= experts.size()) {
        throw new IndexOutOfBoundsException("expert " + expert + " of " + experts.size());
      }
      next[expert + 1]++;
    }
    segments = 0;
    for (int e = 0; e < experts.size(); e++) {
      if (next[e + 1] > 0) {
        segmentExpert[segments] = e;
        segmentStart[segments++] = next[e];
      }
      next[e + 1] += next[e];
    }
    segmentStart[segments] = choices;
    for (int i = 0; i < choices; i++) {
      order[next[ids.intAt(run, i)]++] = i;
    }
  }

  private void gather(StepRun run) {
    int in = x.type().last();
    int perRow = x.type().rank() == 2 ? ids.type().last() : 1;
    for (int s = 0; s < segmentStart[segments]; s++) {
      long from = x.offset() + (long) (order[s] / perRow) * in;
      MatmulKernel kernel = run.kernels().matmul();
      if (form == RowForm.ROUNDED) {
        long to = 4 * sorted.inputs + s * RoundedRow.bytes(in);
        kernel.round(x.memory(run), from, in, sorted.memory, to, run.scratch(0));
      } else {
        long to = sorted.inputs + (long) s * stride(in);
        MemorySegment.copy(x.memory(run), 4 * from, sorted.memory, 4 * to, 4L * in);
        if (form.hasSums()) {
          kernel.sum(x.memory(run), from, in, group, form.factor(), sorted.memory, to + in);
        }
      }
    }
  }

  /** Floats from one gathered row to the next, if it is not rounded. */
  private int stride(int in) {
    return form.hasSums() ? in + in / group : in;
  }

  private void scatter(StepRun run) {
    RowKernel kernel = run.kernels().rows();
    int out = y.type().last();
    for (int seg = 0; seg < segments; seg++) {
      for (int s = segmentStart[seg]; s < segmentStart[seg + 1]; s++) {
        long from = sorted.results + (long) s * out;
        long to = y.offset() + (long) order[s] * out;
        if (bias.isPresent()) {
          long b = (long) segmentExpert[seg] * out;
          kernel.binary(BinaryKind.ADD, sorted.memory, from, bias.get(), b, y.memory(run), to, out);
        } else {
          MemorySegment.copy(sorted.memory, 4 * from, y.memory(run), 4 * to, 4L * out);
        }
      }
    }
  }

  private int tiles() {
    return experts.getFirst().tiles();
  }

  @Override
  int units(StepRun run) {
    return Math.multiplyExact(segments, tiles());
  }

  @Override
  long workPerUnit(StepRun run) {
    long rowsPerSegment = Math.max(1, segmentStart[segments] / Math.max(1, segments));
    return rowsPerSegment * x.type().last() * PackedMatrix.TILE_ROWS;
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    int unit = from;
    while (unit < until) {
      int seg = unit / tiles();
      int tile = unit % tiles();
      int untilTile = Math.min(tiles(), tile + until - unit);
      multiply(run, member, seg, tile, untilTile);
      unit += untilTile - tile;
    }
  }

  private void multiply(StepRun run, int member, int seg, int fromTile, int untilTile) {
    PackedMatrix w = experts.get(segmentExpert[seg]);
    int first = segmentStart[seg];
    int rows = segmentStart[seg + 1] - first;
    MatmulKernel kernel = run.kernels().matmul();
    long y = sorted.results + (long) first * w.out();
    MemorySegment m = sorted.memory;
    MemorySegment scratch = run.scratch(member);
    TileScratch tiles = run.tiles(member);
    if (form == RowForm.ROUNDED) {
      long from = 4 * sorted.inputs + first * RoundedRow.bytes(w.in());
      kernel.multiplyRounded(w, m, from, rows, m, y, w.out(), fromTile, untilTile, scratch, tiles);
    } else {
      int stride = stride(w.in());
      long from = sorted.inputs + (long) first * stride;
      long sums = from + w.in();
      kernel.multiply(
          w, m, from, stride, m, sums, stride, rows, m, y, w.out(), fromTile, untilTile, scratch,
          tiles);
    }
  }
}
