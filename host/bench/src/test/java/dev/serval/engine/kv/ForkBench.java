package dev.serval.engine.kv;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A text of 2,000 tokens becomes the beginning of another, on caches of gemma3-270m's shape: three
 * layers that see everything, fifteen with a window of 512.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ForkBench {

  private static final int SOURCE = 1;
  private static final int TARGET = 2;
  private static final int PREFIX = 2000;
  private static final int CONTEXT = 16384;
  private static final int CHUNK = 512;
  private static final int WINDOW_CELLS = 4096;

  private final List<KvGroup> groups =
      List.of(
          new KvGroup(0, MaskKind.CAUSAL, slots(3, MaskKind.CAUSAL)),
          new KvGroup(1, MaskKind.sliding(512), slots(15, MaskKind.sliding(512))));

  private final KvCells cells = new KvCells(groups, List.of(CONTEXT, WINDOW_CELLS), CHUNK, 0);

  /** Rows of the prefix in all layers, F16. */
  private final MemorySegment rows = Arena.ofAuto().allocate(rowBytes());

  private final MemorySegment copy = Arena.ofAuto().allocate(rowBytes());

  /** For JMH. */
  public ForkBench() {}

  private static List<KvSlot> slots(int n, MaskKind mask) {
    return Collections.nCopies(n, new KvSlot(0, 1, 256, 256, mask, Optional.empty()));
  }

  private long rowBytes() {
    long causal = groups.getFirst().elementsPerCell() * PREFIX;
    return Short.BYTES * (causal + groups.getLast().elementsPerCell() * 512);
  }

  /** Places the prefix as the engine does, chunk by chunk. */
  @Setup(Level.Trial)
  public void place() {
    int[] taken = new int[CHUNK];
    for (int position = 0; position < PREFIX; position += CHUNK) {
      int n = Math.min(CHUNK, PREFIX - position);
      cells.fits(SOURCE, position, n);
      for (CellTable table : cells.tables()) {
        table.allocate(SOURCE, position, n, taken);
      }
    }
  }

  /** Forks the prefix, and forgets the fork. */
  @Benchmark
  public int fork() {
    cells.fork(SOURCE, TARGET, PREFIX);
    int n = cells.length(TARGET);
    cells.remove(TARGET, 0);
    return n;
  }

  /** What would be copied otherwise: the rows that both see. */
  @Benchmark
  public MemorySegment copiedRows() {
    return copy.copyFrom(rows);
  }
}
