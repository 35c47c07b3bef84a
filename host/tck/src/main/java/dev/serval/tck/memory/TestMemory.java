package dev.serval.tck.memory;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Flash;
import dev.serval.api.backend.CompileSpec.Limits;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.backend.CompileSpec.Resources;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.tensor.DataType;
import java.util.List;

/** A pool, a budget and counters for one test; closing it checks that everything came back. */
public final class TestMemory implements AutoCloseable {

  private final TestPool pool = new TestPool();
  private final TestBudget budget;
  private final Metrics metrics = new Metrics();

  /** Memory without limit. */
  public TestMemory() {
    this(Long.MAX_VALUE);
  }

  /** Memory of which {@code limitBytes} may be reserved. */
  public TestMemory(long limitBytes) {
    this.budget = new TestBudget(limitBytes);
  }

  /** The pool. */
  public TestPool pool() {
    return pool;
  }

  /** The budget. */
  public TestBudget budget() {
    return budget;
  }

  /** The counters. */
  public Metrics metrics() {
    return metrics;
  }

  /** Pool, budget and counters as a spec wants them. */
  public Resources resources() {
    return new Resources("test", pool, budget, metrics);
  }

  /**
   * A spec in exact mode with an F32 cache, as many outputs as tokens, without supplied embeddings.
   *
   * @param graph whose groups get {@code cells} each, 0 where a group has no slots
   */
  public CompileSpec spec(Graph graph, int maxTokens, int maxSequences, int cells) {
    List<Integer> perGroup = graph.groups().stream().map(g -> cellsOf(g, cells)).toList();
    Limits limits = new Limits(maxTokens, maxTokens, maxSequences, perGroup, false);
    return new CompileSpec(limits, DataType.F32, Mode.EXACT, Flash.AUTO, resources());
  }

  private static int cellsOf(KvGroup group, int cells) {
    return group.slots().isEmpty() ? 0 : cells;
  }

  /**
   * Checks that nothing is leased or reserved any more.
   *
   * @throws AssertionError naming what is
   */
  @Override
  public void close() {
    pool.close();
    if (budget.reservedBytes() != 0) {
      throw new AssertionError(budget.reservedBytes() + " bytes are still reserved");
    }
  }
}
