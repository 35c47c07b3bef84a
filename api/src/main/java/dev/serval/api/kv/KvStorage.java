package dev.serval.api.kv;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The key/value rows of one program. Which cell holds which token is the host's business; the
 * program knows cells only.
 *
 * <p>Called between steps, never while a step is under way; confined to one thread at a time.
 */
@ProviderType
public interface KvStorage {

  /** The form in which rows leave and enter. */
  KvFormat format();

  /**
   * Copies rows out, in the order of {@code cells}.
   *
   * @param slot one of {@link #format()}'s slots
   * @param cells [n] I32 cell indices
   * @param target receives n canonical rows, {@code n · rowBytes(slot)} bytes
   * @throws IllegalArgumentException if a size or cell does not fit
   */
  void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target);

  /**
   * Copies rows in, in the order of {@code cells}.
   *
   * @param from format of the storage that the rows come from
   * @param slot one of {@link #format()}'s slots
   * @param cells [n] I32 cell indices, distinct
   * @param source n canonical rows
   * @throws IllegalArgumentException if the formats differ ({@link KvFormat#problems}), or a size
   *     or cell does not fit; no row is copied then
   */
  void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment source);
}
