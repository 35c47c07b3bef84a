package dev.serval.backend.cpu.instruction;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.backend.cpu.kernel.MatmulKernel;
import dev.serval.backend.cpu.kernel.PackedMatrix;
import dev.serval.backend.cpu.kernel.RowForm;
import dev.serval.backend.cpu.kernel.RowKernel;
import dev.serval.backend.cpu.kernel.TileScratch;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A linear layer. A unit is one tile of the weight for all rows. */
public final class MatMulInstruction extends SplitInstruction {

  /** Counts products of a program. Confined to the device queue's thread. */
  public static final class Counters {
    private int tiled;
    private int matvec;

    /** Starts at nothing. */
    public Counters() {}

    /** Counts a product of {@code rows} rows. */
    void count(int rows) {
      if (rows <= MatmulKernel.MATVEC_ROWS) {
        matvec++;
      } else {
        tiled++;
      }
    }

    /** Products of more than {@link MatmulKernel#MATVEC_ROWS} rows since the last call. */
    public int takeTiled() {
      int n = tiled;
      tiled = 0;
      return n;
    }

    /** Products of fewer rows since the last call. */
    public int takeMatvec() {
      int n = matvec;
      matvec = 0;
      return n;
    }
  }

  private final PackedMatrix weight;
  private final Optional<MemorySegment> bias;
  private final Operand x;
  private final Optional<PreparedRows> prepared;
  private final Operand y;
  private final Counters counters;

  /**
   * y = W x + b.
   *
   * @param bias [out] F32
   * @param prepared what is made of the rows of x; absent if they are read as they are
   */
  public MatMulInstruction(
      PackedMatrix weight,
      Optional<MemorySegment> bias,
      Operand x,
      Optional<PreparedRows> prepared,
      Operand y,
      Counters counters) {
    this.weight = weight;
    this.bias = bias;
    this.x = x;
    this.prepared = prepared;
    this.y = y;
    this.counters = counters;
  }

  private int rows(StepRun run) {
    return Math.toIntExact(x.elements(run) / weight.in());
  }

  @Override
  public void run(StepRun run) {
    int rows = rows(run);
    if (rows > 0) {
      counters.count(rows);
    }
    super.run(run);
  }

  @Override
  int units(StepRun run) {
    return rows(run) == 0 ? 0 : weight.tiles();
  }

  @Override
  long workPerUnit(StepRun run) {
    return (long) weight.in() * PackedMatrix.TILE_ROWS * rows(run);
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    int out = weight.out();
    int rows = rows(run);
    MemorySegment yMemory = y.memory(run);
    multiply(run, yMemory, from, until, run.scratch(member), run.tiles(member));
    if (bias.isPresent()) {
      RowKernel kernel = run.kernels().rows();
      int first = from * PackedMatrix.TILE_ROWS;
      int n = Math.min(until * PackedMatrix.TILE_ROWS, out) - first;
      for (int row = 0; row < rows; row++) {
        long at = y.offset() + (long) row * out + first;
        kernel.binary(BinaryKind.ADD, yMemory, at, bias.get(), first, yMemory, at, n);
      }
    }
  }

  private void multiply(
      StepRun run,
      MemorySegment yMemory,
      int from,
      int until,
      MemorySegment scratch,
      TileScratch tiles) {
    int in = weight.in();
    int out = weight.out();
    int rows = rows(run);
    MatmulKernel kernel = run.kernels().matmul();
    MemorySegment sums = x.memory(run);
    long sumsOffset = 0;
    int sumsStride = 0;
    if (prepared.isPresent()) {
      PreparedRows p = prepared.get();
      if (p.form() == RowForm.ROUNDED) {
        kernel.multiplyRounded(
            weight,
            p.memory(),
            p.at(),
            rows,
            yMemory,
            y.offset(),
            out,
            from,
            until,
            scratch,
            tiles);
        return;
      }
      sums = p.memory();
      sumsOffset = p.at() / 4;
      sumsStride = in / p.group();
    }
    kernel.multiply(
        weight,
        x.memory(run),
        x.offset(),
        in,
        sums,
        sumsOffset,
        sumsStride,
        rows,
        yMemory,
        y.offset(),
        out,
        from,
        until,
        scratch,
        tiles);
  }
}
