package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.error.ServalException;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadMode;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.PlanRequest;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.settings.Settings;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.engine.Engine;
import dev.serval.engine.memory.DeviceBudgets;
import dev.serval.engine.memory.MemorySource;
import dev.serval.engine.memory.PoolOptions;
import dev.serval.engine.memory.TieredBufferPool;
import dev.serval.engine.run.RunnerOptions;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.far.FarBackend;
import dev.serval.tck.reference.ReferenceBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Memory that is not there, wherever a load or a generation asks for it: a typed error, everything
 * back in the pool and in the budget, and the next load as if nothing had been.
 */
@Timeout(120)
class FailingMemoryTest {

  private static final int TOKENS = 6;
  private static final int MOST_LEASES = 200;

  private final CpuBackend cpu = new CpuBackend();
  private final FarBackend far = new FarBackend(cpu);
  private final Map<String, String> properties = new TreeMap<>();

  @AfterEach
  void stop() {
    far.close();
    cpu.close();
    properties.keySet().forEach(System::clearProperty);
  }

  /** Memory that is not there for one of the requests. */
  private static final class Failing implements MemorySource {
    private int requests;
    private int failing = Integer.MAX_VALUE;

    @Override
    public synchronized MemorySegment allocate(Arena arena, long bytes, long alignment) {
      requests++;
      if (requests == failing) {
        throw new OutOfMemoryError("told to fail at request " + failing);
      }
      return arena.allocate(bytes, alignment);
    }

    synchronized void failAt(int n) {
      requests = 0;
      failing = n;
    }

    synchronized int requests() {
      return requests;
    }
  }

  private Backend backend(String name) {
    return switch (name) {
      case "cpu" -> cpu;
      case "far" -> far;
      default -> new ReferenceBackend();
    };
  }

  /** A budget that holds one such model to the byte: a lost byte makes the next load fail. */
  private void limitToPlan(Backend backend, LoadRequest request) {
    String device = backend.devices().devices().getFirst().id();
    try (Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()))) {
      long plan = engine.plan(PlanRequest.of(request)).use().totalBytes();
      properties.put(DeviceBudgets.LIMIT_PROPERTY + device, String.valueOf(plan));
    }
    properties.forEach(System::setProperty);
  }

  @ParameterizedTest
  @CsvSource({"cpu, MAP, 4", "cpu, COPY, 4", "far, MAP, 4", "reference, MAP, 2"})
  void everyLeaseThatFailsEndsInATypedErrorAndLeavesNothing(String name, LoadMode mode, int fewest)
      throws InterruptedException {
    LoadRequest request =
        LoadRequest.of(GoldenModel.path("gemma3-mini-Q8_0.gguf"))
            .withContextLength(64)
            .withLoadMode(mode);
    Failing memory = new Failing();
    PoolOptions options =
        PoolOptions.of(Settings.ofProcess(Map.of()))
            .withRetainedBytesPerTier(0) // every lease asks for memory
            .withSource(memory);
    Backend backend = backend(name);
    if (mode == LoadMode.MAP) {
      limitToPlan(backend, request);
    }
    try (Engine engine =
        new Engine(
            List.of(backend),
            List.of(new GemmaArchitecture()),
            RunnerOptions.of(Settings.ofProcess(Map.of())),
            new TieredBufferPool(options))) {
      List<Integer> expected = run(engine, request);
      int n = 1;
      while (!passes(engine, request, memory, n, expected)) {
        n++;
        assertTrue(n < MOST_LEASES, "never passes");
      }
      assertTrue(n > fewest, n - 1 + " leases failed, expected at least " + fewest);
      assertTrue(memory.requests() < n, "the last run did not come to the failure");
      memory.failAt(Integer.MAX_VALUE);
      assertEquals(expected, run(engine, request));
      assertEquals(0, engine.leaks());
    }
  }

  /** Whether a load and a generation come to their end although the n-th lease fails. */
  private static boolean passes(
      Engine engine, LoadRequest request, Failing memory, int n, List<Integer> expected)
      throws InterruptedException {
    memory.failAt(n);
    boolean failed = false;
    try {
      assertEquals(expected, run(engine, request));
    } catch (ServalException e) {
      failed = true;
      assertTrue(memory.requests() >= n, () -> "another reason: " + e);
      assertTrue(e instanceof OutOfBudgetException, () -> "lease " + n + ": " + e);
      assertFalse(e.code().isEmpty());
    }
    assertEquals(List.of(), engine.leases(), "after lease " + n);
    assertEquals(0, engine.poolMetrics().leasedBytes());
    assertEquals(List.of(), engine.memory());
    return !failed && memory.requests() < n;
  }

  private static List<Integer> run(Engine engine, LoadRequest request) throws InterruptedException {
    try (Model model = engine.load(request)) {
      GenerateRequest generation =
          GenerateRequest.of(Prompt.text("a b c"))
              .withSampling(SamplingOptions.GREEDY)
              .withMaxTokens(TOKENS)
              .ignoringEnd();
      return model.generate(generation, TokenSink.NONE).await().tokens();
    }
  }
}
