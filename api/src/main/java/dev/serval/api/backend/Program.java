package dev.serval.api.backend;

import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.MemoryUse;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A compiled graph with its caches and buffers on one device.
 *
 * <p>Steps are submitted in order by one thread at a time; {@link #interrupt} may be called from
 * any. A row's result depends only on that row: not on other rows, chunking, cells or threads,
 * where the backend declares so through {@link #numericsId}.
 */
@ProviderType
public interface Program extends AutoCloseable {

  /**
   * Names graph, weight types, layouts, mode and backend numerics. Programs with equal ids promise
   * equal bits for equal input.
   */
  String numericsId();

  /** Where it runs. */
  Device device();

  /**
   * Bytes leased now, tier rounding included, steps too; equals the plan after one step is made.
   */
  MemoryUse use();

  /** A new step of this program; the caller closes it before the program. */
  Step newStep();

  /**
   * Queues a step. Returns at once.
   *
   * @throws IllegalStateException if the program is closed or lost, or the step is another
   *     program's
   */
  void submit(Step step);

  /**
   * Waits for a submitted step.
   *
   * @param deadlineNanos {@link System#nanoTime} after which the backend counts as lost
   */
  Outcome await(Step step, long deadlineNanos);

  /** Ends the step under way, if any, at the next layer; it then ends {@link Outcome.Aborted}. */
  void interrupt();

  /** The key/value rows; without slots for a graph that has none. */
  KvStorage kv();

  /** Frees everything the program holds, but for the placement. */
  @Override
  void close();
}
