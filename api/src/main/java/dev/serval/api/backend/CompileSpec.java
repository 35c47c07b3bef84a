package dev.serval.api.backend;

import dev.serval.api.kv.SequenceSet;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryBudget;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.tensor.DataType;
import java.util.List;
import java.util.Objects;

/**
 * What a program is compiled for.
 *
 * @param limits sizes of steps and caches
 * @param kvType element type of the cache
 * @param mode how exactly to compute
 * @param flash whether attention may avoid storing scores
 * @param resources where memory comes from and counters go
 */
public record CompileSpec(
    Limits limits, DataType kvType, Mode mode, Flash flash, Resources resources) {

  /** How exactly to compute. */
  public enum Mode {
    /** Activations may be rounded where that is faster and keeps the model's quality. */
    DEFAULT,
    /** F32 activations throughout. */
    EXACT
  }

  /** Whether attention is computed in tiles with a running softmax. */
  public enum Flash {
    /** Always; a backend that cannot says so in {@link Backend#supports}. */
    ON,
    /** Never. */
    OFF,
    /** As the backend likes. */
    AUTO
  }

  /**
   * Largest sizes of a step and its caches.
   *
   * @param maxTokens tokens per step
   * @param maxWanted output rows per step
   * @param maxSequences sequences, numbered 0 until this; at most {@link SequenceSet#MAX_SEQUENCES}
   * @param cells cells per group of the graph, by group index; 0 for a group without slots
   * @param suppliedEmbeddings whether steps may supply embedding rows instead of token ids
   */
  public record Limits(
      int maxTokens,
      int maxWanted,
      int maxSequences,
      List<Integer> cells,
      boolean suppliedEmbeddings) {
    /** Checks ranges. */
    public Limits {
      cells = List.copyOf(cells);
      if (maxTokens < 1 || maxWanted < 0 || maxWanted > maxTokens) {
        throw new IllegalArgumentException("maxTokens=" + maxTokens + ", maxWanted=" + maxWanted);
      }
      if (maxSequences < 1 || maxSequences > SequenceSet.MAX_SEQUENCES) {
        throw new IllegalArgumentException("maxSequences must be 1..64: " + maxSequences);
      }
      for (int n : cells) {
        if (n < 0) {
          throw new IllegalArgumentException("cells must not be negative: " + cells);
        }
      }
    }
  }

  /**
   * Where memory comes from and counters go.
   *
   * @param holder who holds the memory, for reports, such as the model's name
   * @param pool source of every off-heap byte
   * @param budget limit of the physical device
   * @param metrics counters of the program
   */
  public record Resources(String holder, BufferPool pool, MemoryBudget budget, Metrics metrics) {}

  /** Checks the cache type. */
  public CompileSpec {
    Objects.requireNonNull(resources);
    switch (kvType) {
      case F32, F16, Q8_0, Q4_0 -> {}
      default -> throw new IllegalArgumentException("cache type must be F32, F16, Q8_0 or Q4_0");
    }
  }

  /** The same in another mode. */
  public CompileSpec withMode(Mode newMode) {
    return new CompileSpec(limits, kvType, newMode, flash, resources);
  }

  /** The same with another cache type. */
  public CompileSpec withKvType(DataType type) {
    return new CompileSpec(limits, type, mode, flash, resources);
  }

  /** The same with other limits. */
  public CompileSpec withLimits(Limits newLimits) {
    return new CompileSpec(newLimits, kvType, mode, flash, resources);
  }
}
