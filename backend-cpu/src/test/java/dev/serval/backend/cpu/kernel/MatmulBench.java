package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * Prints GB/s of matrix times vector and GFLOP/s of the tiled product, per type, one thread, best
 * of many short runs by CPU time of the thread. Arguments: {@code in out rows}.
 */
final class MatmulBench {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final PrintWriter OUT =
      new PrintWriter(
          new java.io.FileOutputStream(java.io.FileDescriptor.out),
          true,
          java.nio.charset.StandardCharsets.UTF_8);

  private MatmulBench() {}

  public static void main(String[] args) {
    int in = args.length > 0 ? Integer.parseInt(args[0]) : 2048;
    int out = args.length > 1 ? Integer.parseInt(args[1]) : 8192;
    int rows = args.length > 2 ? Integer.parseInt(args[2]) : 96;
    MatmulKernel kernel = new VectorMatmulKernel();
    for (DataType type : Samples.TYPES) {
      try (Arena arena = Arena.ofShared()) {
        PackedMatrix w =
            Samples.packed(arena, type, in, out, Samples.rows(arena, type, in, out, 1));
        double matvec = best(arena, kernel, w, 1);
        double two = best(arena, kernel, w, 2);
        double gemm = best(arena, kernel, w, rows);
        OUT.printf(
            "%-6s matvec %6.2f GB/s %6.2f GFLOP/s   2 rows %6.2f GFLOP/s   %d rows %6.2f GFLOP/s%n",
            type,
            w.data().byteSize() / matvec * 1e-9,
            2.0 * in * out / matvec * 1e-9,
            4.0 * in * out / two * 1e-9,
            rows,
            2.0 * in * out * rows / gemm * 1e-9);
      }
    }
  }

  /** Seconds of the fastest run. */
  private static double best(Arena arena, MatmulKernel kernel, PackedMatrix w, int rows) {
    MemorySegment x = Samples.floats(arena, (long) rows * w.in(), 2);
    MemorySegment y = arena.allocate(4L * rows * w.out(), 64);
    MemorySegment scratch = arena.allocate(kernel.scratchBytes(w.in()), 64);
    long best = Long.MAX_VALUE;
    long end = System.nanoTime() + 2_000_000_000L;
    for (int i = 0; i < 20 || System.nanoTime() < end; i++) {
      long t = THREADS.getCurrentThreadCpuTime();
      kernel.multiply(w, x, 0, w.in(), rows, y, 0, w.out(), 0, w.tiles(), scratch);
      best = Math.min(best, THREADS.getCurrentThreadCpuTime() - t);
    }
    return best * 1e-9;
  }
}
