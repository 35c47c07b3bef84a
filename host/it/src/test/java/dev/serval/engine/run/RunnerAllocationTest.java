package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.error.ServalException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.backend.cpu.CpuOptions;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.kv.KvCells;
import dev.serval.engine.sampling.Sampler;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.run.Chain;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Planning, filling, submitting, computing, awaiting and drawing allocate nothing on the runner's
 * thread and on the backend's. What a generation adds to that is the text it delivers.
 */
@Timeout(180)
class RunnerAllocationTest {

  private static final int PROMPT = 24;
  private static final int WARM = 20;
  private static final int STEPS = 200;
  private static final int LENGTH = PROMPT + WARM + STEPS + 4;
  private static final int CHUNK = 16;
  private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(120);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Draws tokens and hands them to nobody; notes what its steps allocated. */
  private static final class SilentSequence extends Sequence {

    private final int[] ids = new int[LENGTH];
    private final Sampler sampler;
    private final long[] backendThreads;
    private final CountDownLatch over = new CountDownLatch(1);
    private int length = PROMPT;
    private long before;
    private volatile long bytes = -1;
    private volatile boolean ended;

    SilentSequence(int vocabSize, long[] backendThreads) {
      this.backendThreads = backendThreads;
      sampler = new Sampler(SamplingOptions.DEFAULT, vocabSize, 7);
      Arrays.setAll(ids, i -> i == 0 ? 2 : 270 + i * 217 % 600);
      for (int i = 0; i < length; i++) {
        sampler.accept(ids[i]);
      }
    }

    private long allocated() {
      long sum = THREADS.getCurrentThreadAllocatedBytes();
      for (long id : backendThreads) {
        sum += THREADS.getThreadAllocatedBytes(id);
      }
      return sum;
    }

    @Override
    int length() {
      return length;
    }

    @Override
    int token(int position) {
      return ids[position];
    }

    @Override
    boolean wants(int position) {
      return position == length - 1;
    }

    @Override
    int wanted(int n) {
      return n == remaining() ? 1 : 0;
    }

    @Override
    void take(int position, MemorySegment logits) {
      int token = sampler.sample(logits);
      sampler.accept(token);
      ids[length++] = token;
      if (length == PROMPT + WARM) {
        before = allocated();
      } else if (length == PROMPT + WARM + STEPS) {
        bytes = allocated() - before;
        end();
      }
    }

    private void end() {
      ended = true;
      over.countDown();
    }

    @Override
    boolean isEnded() {
      return ended;
    }

    @Override
    void endCancelled() {
      end();
    }

    @Override
    void fail(ServalException failure) {
      end();
    }
  }

  @Test
  void twoHundredStepsAllocateNothing() throws Exception {
    try (TestMemory memory = new TestMemory();
        GgufFile file = GgufFile.open(model());
        CpuBackend backend = new CpuBackend(new CpuOptions(2, KernelSets.best().set()))) {
      GraphBuilder builder = new GraphBuilder();
      GemmaArchitecture gemma = new GemmaArchitecture();
      gemma.describe(gemma.normalise(file.source()), builder);
      Graph graph = builder.build();
      CompileSpec spec = memory.spec(graph, CHUNK, 1, 512);
      var device = backend.devices().devices().getFirst();
      try (Chain chain = Chain.of(backend, device, file.weights(), graph, spec)) {
        Scheduler scheduler = new Scheduler(new Scheduler.Limits(1, CHUNK, CHUNK, CHUNK), 8);
        ModelRunner runner = runner(chain, graph, spec, scheduler);
        runner.start();
        long bytes = measure(scheduler, graph.outputWidth());
        runner.close();
        assertTrue(runner.awaitEnd(TimeUnit.SECONDS.toNanos(10)), "the runner did not end");
        assertEquals(0, bytes, "bytes in the last " + STEPS + " steps");
      }
    }
  }

  private static ModelRunner runner(
      Chain chain, Graph graph, CompileSpec spec, Scheduler scheduler) {
    CompileSpec.Limits limits = spec.limits();
    RunnerOptions options =
        new RunnerOptions(TimeUnit.SECONDS.toNanos(60), TimeUnit.SECONDS.toNanos(60), 1 << 18, 8);
    return new ModelRunner(
        "silent",
        chain.program(),
        chain.last(),
        new KvCells(graph.groups(), limits.cells(), limits.maxTokens()),
        scheduler,
        options,
        RunnerCounters.of(new Metrics()),
        () -> {});
  }

  /** Runs one text after the other until one costs nothing, or the compiler had time enough. */
  private static long measure(Scheduler scheduler, int vocabSize) throws InterruptedException {
    long[] backendThreads =
        Thread.getAllStackTraces().keySet().stream()
            .filter(t -> t.getName().startsWith("serval-cpu-"))
            .mapToLong(Thread::threadId)
            .toArray();
    assertEquals(2, backendThreads.length);
    long deadline = System.nanoTime() + MOST_NANOS;
    long bytes = -1;
    while (bytes != 0 && System.nanoTime() < deadline) {
      SilentSequence sequence = new SilentSequence(vocabSize, backendThreads);
      scheduler.submit(sequence);
      assertTrue(sequence.over.await(60, TimeUnit.SECONDS), "the text did not end");
      bytes = sequence.bytes;
    }
    return bytes;
  }

  private static Path model() throws Exception {
    var url = RunnerAllocationTest.class.getResource("/golden/gemma3-mini-Q8_0.gguf");
    return Path.of(Objects.requireNonNull(url).toURI());
  }
}
