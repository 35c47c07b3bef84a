package dev.serval.engine.run;

import dev.serval.api.metrics.Metrics;
import dev.serval.api.metrics.Tally;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What counting costs the thread that computes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MetricBench {

  private final Metrics metrics = new Metrics();
  private final RunnerCounters counters = new RunnerCounters(metrics);
  private final Tally tokens = counters.generatedTokens();
  private final LongAdder adder = new LongAdder();
  private final AtomicLong atomic = new AtomicLong();
  private int rows;

  /** For JMH. */
  public MetricBench() {}

  /** One counter of the runner thread. */
  @Benchmark
  public void tally() {
    tokens.increment();
  }

  /** A step: five counters that show as one. */
  @Benchmark
  public void step() {
    counters.step(rows, 1, rows);
    rows++;
  }

  @Benchmark
  public void longAdder() {
    adder.increment();
  }

  @Benchmark
  public void atomicLong() {
    atomic.incrementAndGet();
  }
}
