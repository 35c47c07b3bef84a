package dev.serval.backend.cpu.kernel;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.tensor.DataType;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;

/**
 * Prints GB/s of matrix times vector and GFLOP/s of products with more rows, per type, and of
 * attention: one thread, the fastest of many short runs by the thread's CPU time. Arguments: {@code
 * in out seconds}, seconds being the time per figure. Not a test.
 */
final class MatmulBench {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final int[] ROWS = {3, 4, 8, 16, 96};

  private MatmulBench() {}

  public static void main(String[] args) {
    int in = args.length > 0 ? Integer.parseInt(args[0]) : 2048;
    int out = args.length > 1 ? Integer.parseInt(args[1]) : 8192;
    long nanos = (args.length > 2 ? Long.parseLong(args[2]) : 3) * 1_000_000_000L;
    PrintWriter print =
        new PrintWriter(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    KernelSet set = KernelSets.vector();
    print.println(set.name() + ", weights [" + in + ", " + out + "]");
    String only = args.length > 3 ? args[3] : "";
    for (DataType type : Samples.TYPES) {
      if (!type.name().startsWith(only)) {
        continue;
      }
      try (Arena arena = Arena.ofShared()) {
        PackedMatrix w =
            Samples.packed(arena, type, in, out, Samples.rows(arena, type, in, out, 1));
        double matvec = product(arena, set.matmul(), w, 1, nanos);
        print.printf("%-6s 1 row %6.2f GB/s;  GFLOP/s:", type, w.data().byteSize() / matvec / 1e9);
        print.printf(" 1 row %.1f", 2.0 * in * out / matvec / 1e9);
        for (int rows : ROWS) {
          double seconds = product(arena, set.matmul(), w, rows, nanos);
          print.printf(", %d rows %.1f", rows, 2.0 * in * out * rows / seconds / 1e9);
        }
        print.println();
        if (RoundedRow.isFor(type)) {
          double rounded = rounded(arena, set.matmul(), w, 1, nanos);
          print.printf(
              "%-6s rounded %6.2f GB/s; GOP/s:", type, w.data().byteSize() / rounded / 1e9);
          print.printf(" 1 row %.1f", 2.0 * in * out / rounded / 1e9);
          for (int rows : ROWS) {
            double seconds = rounded(arena, set.matmul(), w, rows, nanos);
            print.printf(", %d rows %.1f", rows, 2.0 * in * out * rows / seconds / 1e9);
          }
          print.println();
        }
      }
    }
    for (int rows : new int[] {1, 16}) {
      print.printf(
          "attention of %d rows, 4 heads of 256, 1024 keys in F16: %.1f GFLOP/s%n",
          rows, 4.0 * rows * 4 * 256 * 1024 / attention(set.attention(), rows, nanos) / 1e9);
    }
  }

  private static double product(
      Arena arena, MatmulKernel kernel, PackedMatrix w, int rows, long nanos) {
    MemorySegment x = Samples.floats(arena, (long) rows * w.in(), 2);
    MemorySegment y = arena.allocate(4L * rows * w.out(), 64);
    TileScratch tiles = new TileScratch();
    MemorySegment scratch = arena.allocate(kernel.scratchBytes(w.type(), w.in()), 64);
    MemorySegment sums = Samples.sums(arena, kernel, w, x, rows);
    int groups = Samples.groups(w);
    return fastest(
        () ->
            kernel.multiply(
                w, x, 0, w.in(), sums, 0, groups, rows, y, 0, w.out(), 0, w.tiles(), scratch,
                tiles),
        nanos);
  }

  private static double rounded(
      Arena arena, MatmulKernel kernel, PackedMatrix w, int rows, long nanos) {
    MemorySegment x = Samples.floats(arena, (long) rows * w.in(), 2);
    MemorySegment q = Samples.rounded(arena, kernel, x, rows, w.in());
    MemorySegment y = arena.allocate(4L * rows * w.out(), 64);
    TileScratch tiles = new TileScratch();
    MemorySegment scratch = arena.allocate(kernel.scratchBytes(w.type(), w.in()), 64);
    return fastest(
        () -> kernel.multiplyRounded(w, q, 0, rows, y, 0, w.out(), 0, w.tiles(), scratch, tiles),
        nanos);
  }

  private static double attention(AttentionKernel kernel, int rows, long nanos) {
    try (Arena arena = Arena.ofShared()) {
      AttentionCase c = new AttentionCase(arena, 4, 1, 256, 256, 1024, DataType.F16).random();
      MemorySegment results = arena.allocate(4L * 1024 * 4 * 256);
      AttentionTask task = c.task(kernel, MaskKind.BIDIRECTIONAL, 1000, rows, 0, results);
      return fastest(() -> kernel.attend(task), nanos);
    }
  }

  /** Seconds of the fastest run. */
  private static double fastest(Runnable run, long nanos) {
    long best = Long.MAX_VALUE;
    long end = System.nanoTime() + nanos;
    for (int i = 0; i < 5 || System.nanoTime() < end; i++) {
      long start = THREADS.getCurrentThreadCpuTime();
      run.run();
      best = Math.min(best, THREADS.getCurrentThreadCpuTime() - start);
    }
    return best * 1e-9;
  }
}
