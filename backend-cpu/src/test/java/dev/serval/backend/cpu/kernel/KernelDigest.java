package dev.serval.backend.cpu.kernel;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.tensor.DataType;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.zip.CRC32;

/** Prints the name of the best kernels and a checksum of what all of them compute. */
final class KernelDigest {

  private final CRC32 crc = new CRC32();
  private final Arena arena;

  private KernelDigest(Arena arena) {
    this.arena = arena;
  }

  public static void main(String[] args) {
    KernelSets.Choice choice = KernelSets.best();
    try (PrintWriter out =
        new PrintWriter(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8)) {
      out.println(choice.set().name() + " " + of(choice.set()) + " " + choice.reason());
    }
  }

  /** Checksum of all results of a set. */
  static String of(KernelSet set) {
    try (Arena arena = Arena.ofConfined()) {
      KernelDigest digest = new KernelDigest(arena);
      digest.products(set.matmul());
      digest.rows(set.rows());
      digest.attention(set.attention());
      return Long.toHexString(digest.crc.getValue());
    }
  }

  private void add(MemorySegment s) {
    crc.update(s.toArray(ValueLayout.JAVA_BYTE));
  }

  private void products(MatmulKernel kernel) {
    for (DataType type : Samples.TYPES) {
      for (int in : Samples.lengths(type)) {
        PackedMatrix w = Samples.packed(arena, type, in, 45, Samples.rows(arena, type, in, 45, in));
        for (int rows : new int[] {1, 2, 9}) {
          MemorySegment y = arena.allocate(4L * rows * 45);
          Samples.multiply(kernel, w, Samples.floats(arena, (long) rows * in, 1), rows, y);
          add(y);
          if (RoundedRow.isFor(type)) {
            MemorySegment x = Samples.floats(arena, (long) rows * in, 1);
            MemorySegment q = Samples.rounded(arena, kernel, x, rows, in);
            add(q);
            Samples.multiplyRounded(kernel, w, q, rows, y);
            add(y);
          }
        }
      }
    }
  }

  private void rows(RowKernel kernel) {
    for (int n : new int[] {1, 4, 13, 32, 75}) {
      MemorySegment x = Samples.floats(arena, n, 2);
      MemorySegment y = Samples.floats(arena, n, 3);
      for (UnaryKind kind : UnaryKind.values()) {
        if (kind != UnaryKind.SQRT && kind != UnaryKind.RSQRT) {
          kernel.unary(kind, x, 0, y, 0, n);
          add(y);
        }
      }
      for (ReduceKind kind : ReduceKind.values()) {
        y.set(Samples.FLOAT, 0, kernel.reduce(kind, x, 0, n));
        add(y);
      }
      kernel.rmsNorm(x, 0, Optional.of(x), y, 0, n, 1e-6f);
      add(y);
      kernel.layerNorm(x, 0, x, Optional.of(x), y, 0, n, 1e-6f);
      add(y);
      kernel.softmax(x, 0, y, 0, n);
      add(y);
      kernel.geglu(x, 0, x, 0, y, 0, n);
      add(y);
      kernel.store(x, 0, DataType.F16, y, 0, n);
      kernel.load(DataType.F16, y, 0, x, 0, n);
      add(x);
    }
    MemorySegment x = Samples.floats(arena, 256, 5);
    kernel.rope(x, 0, x, 0, 4, 64, 64, true, Samples.floats(arena, 64, 6), 0);
    add(x);
  }

  private void attention(AttentionKernel kernel) {
    for (DataType type : new DataType[] {DataType.F32, DataType.F16}) {
      AttentionCase c = new AttentionCase(arena, 4, 2, 24, 48, 90, type).random();
      c.softCap = 3;
      add(c.attend(kernel, MaskKind.sliding(70), 16));
    }
    for (DataType type :
        new DataType[] {DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0}) {
      AttentionCase c = new AttentionCase(arena, 5, 1, 64, 96, 150, type).random();
      add(c.attend(kernel, MaskKind.CAUSAL, 16));
      add(c.attend(kernel, MaskKind.sliding(70), 1));
    }
  }
}
