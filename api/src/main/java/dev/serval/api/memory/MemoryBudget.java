package dev.serval.api.memory;

import dev.serval.api.error.OutOfBudgetException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * How much of one physical device may be used. Shared by all backends that reach the device; bytes
 * are reserved here before they are allocated. Thread-safe.
 */
@ProviderType
public interface MemoryBudget {

  /** The limit in bytes; {@link Long#MAX_VALUE} if there is none. */
  long limitBytes();

  /** Bytes reserved now. */
  long reservedBytes();

  /**
   * Reserves bytes.
   *
   * @throws OutOfBudgetException if they are not available; nothing is reserved then
   */
  void reserve(long bytes, String holder);

  /**
   * Gives reserved bytes back.
   *
   * @throws IllegalStateException if more is released than was reserved
   */
  void release(long bytes);
}
