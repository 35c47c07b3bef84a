package dev.serval.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import com.sun.management.ThreadMXBean;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.run.Chain;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A running step allocates nothing, on the queue's thread and on the team's, with the kernels of
 * this machine: every vector stays in a register.
 */
@Timeout(120)
class CpuAllocationTest {

  /** The interpreter allocates where compiled code does not, so the compiler is given time. */
  private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(90);

  /** Rounds without any allocation, 200 steps, after which the compiler is done. */
  private static final int ROUNDS = 2;

  private static final int STEPS = 100;
  private static final int TOKENS = 5;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final GemmaLike model = new GemmaLike();
  private final Output candidates = new Output.Candidates(4, List.of(1, 2));

  @Test
  void stepsAllocateNothingOnAnyThreadOfTheBackend() {
    try (TestMemory memory = new TestMemory();
        CpuBackend backend = new CpuBackend(new CpuOptions(2, KernelSets.best().set()))) {
      CompileSpec spec = memory.spec(model.graph, 8, 2, 32);
      var device = backend.devices().devices().getFirst();
      try (Chain chain = Chain.of(backend, device, model.weights, model.graph, spec)) {
        long deadline = System.nanoTime() + MOST_NANOS;
        long bytes = -1;
        int clean = 0;
        while (clean < ROUNDS && System.nanoTime() < deadline) {
          long before = allocated();
          run(chain, STEPS);
          bytes = allocated() - before;
          clean = bytes == 0 ? clean + 1 : 0;
        }
        assertEquals(ROUNDS, clean, bytes + " bytes in the last " + STEPS + " steps");
      }
    }
  }

  private void run(Chain chain, int steps) {
    Program program = chain.program();
    Step step = chain.last();
    for (int i = 0; i < steps; i++) {
      step.begin();
      int tokens = i % 2 == 0 ? TOKENS : 1;
      for (int row = 0; row < tokens; row++) {
        step.token(row, row, 0);
        step.visible(0, row, row, 0, row + 1);
        step.visible(1, row, row, 0, row + 1);
      }
      step.want(tokens - 1, i % 3 == 0 ? candidates : Output.full());
      program.submit(step);
      Outcome outcome = program.await(step, System.nanoTime() + TimeUnit.SECONDS.toNanos(20));
      assertInstanceOf(Outcome.Done.class, outcome);
    }
  }

  /** Bytes that the queue's and the team's threads have allocated so far. */
  private long allocated() {
    long sum = 0;
    for (Thread t : Thread.getAllStackTraces().keySet()) {
      if (t.getName().startsWith("serval-cpu-")) {
        sum += threads.getThreadAllocatedBytes(t.threadId());
      }
    }
    return sum;
  }
}
