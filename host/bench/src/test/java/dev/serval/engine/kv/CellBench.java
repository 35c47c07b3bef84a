package dev.serval.engine.kv;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.KvGroup;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Cells of a table of 4 Ki to 1 Mi cells that are nearly all taken. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CellBench {

  private static final int LONG_TEXT = 0;
  private static final int OTHER_TEXT = 1;
  private static final int SEQUENCE = 2;
  private static final int CHUNK = 512;

  /** Cells of the table. */
  @Param({"4096", "65536", "1048576"})
  public int cells;

  /** Only the last 512 cells are free. */
  private CellTable end = table(CHUNK);

  /** Only the first and the last cell are free. */
  private CellTable ends = end;

  private final int[] taken = new int[CHUNK];

  /** For JMH. */
  public CellBench() {}

  private static CellTable table(int n) {
    return new CellTable(new KvGroup(0, MaskKind.CAUSAL, List.of()), n, 0, n);
  }

  /** Takes the other cells. */
  @Setup(Level.Trial)
  public void fill() {
    int[] all = new int[cells];
    end = table(cells);
    end.allocate(LONG_TEXT, 0, cells - CHUNK, all);
    ends = table(cells);
    ends.allocate(OTHER_TEXT, 0, 1, all);
    ends.allocate(LONG_TEXT, 0, cells - 2, all);
    ends.remove(OTHER_TEXT, 0);
  }

  /** A token's cell, taken and given back. */
  @Benchmark
  public int one() {
    end.allocate(SEQUENCE, 0, 1, taken);
    end.remove(SEQUENCE, 0);
    return taken[0];
  }

  /** The cells of a prompt's chunk, taken and given back. */
  @Benchmark
  public int chunk() {
    end.allocate(SEQUENCE, 0, CHUNK, taken);
    end.remove(SEQUENCE, 0);
    return taken[CHUNK - 1];
  }

  /** Finds the only two free cells, one at each end of the table. */
  @Benchmark
  public int bothEnds() {
    ends.free().peek(2, taken);
    return taken[1];
  }

  /** Takes one cell at each end of the table; giving them back looks at what lies between. */
  @Benchmark
  public int bothEndsGivenBack() {
    ends.allocate(SEQUENCE, 0, 2, taken);
    ends.remove(SEQUENCE, 0);
    return taken[1];
  }
}
