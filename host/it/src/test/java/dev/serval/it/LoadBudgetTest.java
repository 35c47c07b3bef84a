package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Device;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.PlanRequest;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.engine.Engine;
import dev.serval.engine.memory.DeviceBudgets;
import dev.serval.models.gemma.GemmaArchitecture;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a real model takes of a budget, and what becomes of one that is too small. */
class LoadBudgetTest {

  private static final String LIMIT = DeviceBudgets.LIMIT_PROPERTY + Device.HOST_ID;

  private final CpuBackend backend = new CpuBackend();

  @AfterEach
  void stop() {
    System.clearProperty(LIMIT);
    backend.close();
  }

  private Engine engine() {
    return new Engine(List.of(backend), List.of(new GemmaArchitecture()));
  }

  private static LoadRequest request(int contextLength) {
    return LoadRequest.of(GoldenModel.path("gemma3-mini-Q8_0.gguf"))
        .withContextLength(contextLength);
  }

  private MemoryUse plan(LoadRequest request) {
    try (Engine engine = engine()) {
      return engine.plan(PlanRequest.of(request)).use();
    }
  }

  @Test
  void contextThatTheRefusalNamesLoadsAndTheNextDoesNot() {
    long most = plan(request(512)).totalBytes();
    long limit = (plan(request(64)).totalBytes() + most) / 2;
    System.setProperty(LIMIT, String.valueOf(limit));
    try (Engine engine = engine()) {
      OutOfBudgetException refusal =
          assertThrows(OutOfBudgetException.class, () -> engine.load(request(512)));
      assertEquals(most - limit, refusal.missingBytes());
      int largest = refusal.largestContext().orElseThrow();
      assertTrue(largest >= 64 && largest < 512, "context " + largest);
      assertTrue(
          String.valueOf(refusal.getMessage()).contains(String.valueOf(largest)),
          refusal.getMessage());
      assertThrows(OutOfBudgetException.class, () -> engine.load(request(largest + 1)));
      assertEquals(0, engine.poolMetrics().misses() + engine.poolMetrics().oversize());
      try (Model model = engine.load(request(largest))) {
        assertEquals(model.info().planned(), model.info().memory());
        assertTrue(engine.poolMetrics().misses() + engine.poolMetrics().oversize() > 0);
      }
    }
  }

  @Test
  void oneByteLessThanThePlanIsRefusedAndThePlanIsNot() {
    long plan = plan(request(256)).totalBytes();
    System.setProperty(LIMIT, String.valueOf(plan - 1));
    try (Engine engine = engine()) {
      OutOfBudgetException refusal =
          assertThrows(OutOfBudgetException.class, () -> engine.load(request(256)));
      assertEquals(1, refusal.missingBytes());
      assertEquals(0, engine.poolMetrics().misses() + engine.poolMetrics().oversize());
    }
    System.setProperty(LIMIT, String.valueOf(plan));
    try (Engine engine = engine();
        Model model = engine.load(request(256))) {
      assertEquals(plan, model.info().memory().totalBytes());
      assertEquals(0, engine.memory().getFirst().freeBytes());
    }
  }

  @Test
  void generationsAtOnceShareOneCache() {
    MemoryUse one = plan(request(4096).withMaxSequences(1));
    for (int n : new int[] {2, 4}) {
      MemoryUse more = plan(request(4096).withMaxSequences(n));
      // what grows is a window and a chunk for each, in the groups that have windows
      assertTrue(more.kvBytes() < 2 * one.kvBytes(), one + " for one, " + more + " for " + n);
    }
  }
}
