package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Compiled kernels keep every vector and segment in registers: a step allocates nothing. */
class AllocationTest {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final DataType[] CACHE_TYPES = {
    DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0
  };

  /** Runs until ten calls in a row allocate nothing, or fails after a time in which C2 is done. */
  private static void assertAllocatesNothing(String what, Runnable run) {
    long deadline = System.nanoTime() + 180_000_000_000L;
    long allocated = 0;
    int clean = 0;
    while (clean < 10 && System.nanoTime() < deadline) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      run.run();
      allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      clean = allocated == 0 ? clean + 1 : 0;
    }
    assertTrue(clean == 10, what + " still allocates " + allocated + " bytes per call");
  }

  @Test
  void matrixProductsAllocateNothing() {
    MatmulKernel kernel = KernelSets.vector().matmul();
    for (DataType type : Samples.TYPES) {
      try (Arena arena = Arena.ofConfined()) {
        PackedMatrix w =
            Samples.packed(arena, type, 512, 256, Samples.rows(arena, type, 512, 256, 1));
        MemorySegment x = Samples.floats(arena, 8 * 512, 2);
        MemorySegment y = arena.allocate(4L * 8 * 256);
        TileScratch tiles = new TileScratch();
        MemorySegment scratch = arena.allocate(kernel.scratchBytes(type, 512), 64);
        for (int rows : new int[] {1, 7}) {
          MemorySegment sums = Samples.sums(arena, kernel, w, x, rows);
          int groups = Samples.groups(w);
          assertAllocatesNothing(
              type + " × " + rows,
              () ->
                  kernel.multiply(
                      w, x, 0, 512, sums, 0, groups, rows, y, 0, 256, 0, w.tiles(), scratch,
                      tiles));
          if (groups > 0) {
            assertAllocatesNothing("sums", () -> kernel.sum(x, 0, 512, 32, 2, sums, 0));
          }
          if (RoundedRow.isFor(type)) {
            MemorySegment q = Samples.rounded(arena, kernel, x, rows, 512);
            assertAllocatesNothing(
                type + " rounded × " + rows,
                () -> {
                  kernel.round(x, 0, 512, q, 0, scratch);
                  kernel.multiplyRounded(w, q, 0, rows, y, 0, 256, 0, w.tiles(), scratch, tiles);
                });
          }
        }
      }
    }
  }

  @Test
  void attentionAllocatesNothing() {
    AttentionKernel kernel = KernelSets.vector().attention();
    try (Arena arena = Arena.ofConfined()) {
      for (DataType type : CACHE_TYPES) {
        AttentionCase c = new AttentionCase(arena, 4, 1, 64, 64, 300, type).random();
        c.softCap = 30;
        MemorySegment results = arena.allocate(4L * 300 * 4 * 64);
        AttentionTask t = c.task(kernel, MaskKind.CAUSAL, 290, 8, 0, results);
        assertAllocatesNothing("attention " + type, () -> kernel.attend(t));
      }
    }
  }

  @Test
  void rowOperationsAllocateNothing() {
    RowKernel kernel = KernelSets.vector().rows();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = Samples.floats(arena, 1024, 1);
      MemorySegment y = arena.allocate(4 * 1024, 64);
      Optional<MemorySegment> weight = Optional.of(x);
      for (UnaryKind kind : UnaryKind.values()) {
        assertAllocatesNothing(kind.name(), () -> kernel.unary(kind, x, 0, y, 0, 1023));
      }
      assertAllocatesNothing("rmsNorm", () -> kernel.rmsNorm(x, 0, weight, y, 0, 1023, 1e-6f));
      assertAllocatesNothing("softmax", () -> kernel.softmax(x, 0, y, 0, 1023));
      assertAllocatesNothing("geglu", () -> kernel.geglu(x, 0, x, 0, y, 0, 1023));
      assertAllocatesNothing("softCap", () -> kernel.softCap(30, x, 0, y, 0, 1023));
      assertAllocatesNothing("rope", () -> kernel.rope(x, 0, y, 0, 4, 256, 256, true, x, 0));
      assertAllocatesNothing("add", () -> kernel.binary(BinaryKind.ADD, x, 0, x, 0, y, 0, 1023));
      assertAllocatesNothing("store", () -> kernel.store(x, 0, DataType.F16, y, 0, 1023));
      for (DataType type : CACHE_TYPES) {
        assertAllocatesNothing("store " + type, () -> kernel.store(x, 0, type, y, 0, 512));
        assertAllocatesNothing("load " + type, () -> kernel.load(type, y, 0, x, 0, 512));
      }
    }
  }
}
