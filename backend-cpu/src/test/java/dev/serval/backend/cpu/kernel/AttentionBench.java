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
 * Prints what one thread reads of a cache of 8,192 positions to decode a token, GB/s and
 * milliseconds per layer, and GFLOP/s of 16 rows of a prompt: the fastest of many runs by the
 * thread's CPU time. Argument: seconds per figure. Not a test.
 */
final class AttentionBench {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private static final int POSITIONS = 8192;

  /** Heads, key/value heads, width: gemma3-1b and gpt-oss. */
  private static final int[][] SHAPES = {{4, 1, 256}, {64, 8, 64}};

  private AttentionBench() {}

  public static void main(String[] args) {
    long nanos = (long) ((args.length > 0 ? Double.parseDouble(args[0]) : 3) * 1e9);
    PrintWriter print =
        new PrintWriter(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    KernelSet set = KernelSets.best().set();
    for (int[] s : SHAPES) {
      for (DataType type :
          new DataType[] {DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0}) {
        try (Arena arena = Arena.ofShared()) {
          AttentionCase c = new AttentionCase(arena, s[0], s[1], s[2], s[2], POSITIONS, type);
          for (int p = 0; p < POSITIONS; p++) {
            c.cells.set(Samples.INT, 4L * p, p);
          }
          c.random();
          double one = seconds(arena, set.attention(), c, 1, nanos);
          double many = seconds(arena, set.attention(), c, 16, nanos);
          double bytes = 2.0 * POSITIONS * type.bytes((long) s[1] * s[2]);
          print.printf(
              "%s %d heads over %d of %d, %-4s: 1 row %6.2f GB/s, %6.3f ms; 16 rows %5.1f"
                  + " GFLOP/s%n",
              set.name(),
              s[0],
              s[1],
              s[2],
              type,
              bytes / one / 1e9,
              one * 1e3,
              16 * 4.0 * POSITIONS * s[0] * s[2] / many / 1e9);
        }
      }
    }
  }

  private static double seconds(
      Arena arena, AttentionKernel kernel, AttentionCase c, int rows, long nanos) {
    MemorySegment results = arena.allocate(4L * POSITIONS * c.heads * c.valueDim);
    AttentionTask[] tasks = new AttentionTask[c.kvHeads];
    for (int g = 0; g < tasks.length; g++) {
      tasks[g] = c.task(kernel, MaskKind.CAUSAL, POSITIONS - rows, rows, g, results);
    }
    long best = Long.MAX_VALUE;
    long end = System.nanoTime() + nanos;
    for (int i = 0; i < 20 || System.nanoTime() < end; i++) {
      long start = THREADS.getCurrentThreadCpuTime();
      for (AttentionTask t : tasks) {
        kernel.attend(t);
      }
      best = Math.min(best, THREADS.getCurrentThreadCpuTime() - start);
    }
    return best * 1e-9;
  }
}
