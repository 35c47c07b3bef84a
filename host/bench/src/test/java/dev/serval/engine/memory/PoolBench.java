package dev.serval.engine.memory;

import dev.serval.api.memory.PooledBuffer;
import dev.serval.api.settings.Settings;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Memory borrowed and returned by one thread: from our pool, fresh from the system, from Netty's
 * pool. Ours and fresh memory are zeroed, Netty's is not.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PoolBench {

  private static final String HOLDER = "bench";
  private static final long RETAINED_BYTES = 16 << 20;

  /** Size of a lease. */
  @Param({"64", "1024", "131072"})
  public int bytes;

  private final TieredBufferPool untracked =
      new TieredBufferPool(new PoolOptions(RETAINED_BYTES, 0, Arena::allocate));

  private final TieredBufferPool sampled =
      new TieredBufferPool(
          PoolOptions.of(Settings.ofProcess(Map.of())).withRetainedBytesPerTier(RETAINED_BYTES));

  private final PooledByteBufAllocator netty = PooledByteBufAllocator.DEFAULT;

  /** For JMH. */
  public PoolBench() {}

  @TearDown
  public void close() {
    untracked.close();
    sampled.close();
  }

  @Benchmark
  public long pool() {
    try (PooledBuffer b = untracked.lease(bytes, HOLDER)) {
      return b.leasedBytes();
    }
  }

  /** As in production: of 128 leases one knows where it was opened. */
  @Benchmark
  public long poolSampled() {
    try (PooledBuffer b = sampled.lease(bytes, HOLDER)) {
      return b.leasedBytes();
    }
  }

  /** Memory that only the thread that took it may reach. */
  @Benchmark
  public long freshConfined() {
    try (Arena arena = Arena.ofConfined()) {
      return arena.allocate(bytes, 64).address();
    }
  }

  /** Memory that threads may share, as the pool's. */
  @Benchmark
  public long freshShared() {
    try (Arena arena = Arena.ofShared()) {
      return arena.allocate(bytes, 64).address();
    }
  }

  @Benchmark
  public int netty() {
    ByteBuf b = netty.directBuffer(bytes);
    int capacity = b.capacity();
    b.release();
    return capacity;
  }
}
