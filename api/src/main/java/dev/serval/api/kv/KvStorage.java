package dev.serval.api.kv;

import dev.serval.api.attention.RopeSpec;
import java.lang.foreign.MemorySegment;
import java.util.List;
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

  /**
   * Why {@link #shiftKeys} cannot be done with this storage, such as keys of a type that would lose
   * too much; empty if it can.
   */
  List<String> shiftProblems();

  /**
   * Rotates stored keys as if their tokens stood at other positions. With the slot's {@link
   * KvSlot#rotation}, for each pair p of the first nRot elements of each head:
   *
   * <pre>
   * k ← R(by · φ_p / pos) k     φ_p / pos as in {@link RopeSpec#inverseFrequencies}, factors included
   * </pre>
   *
   * <p>without the magnitude m, which stored keys have already. Angles in double precision, sums in
   * F32 or better, rounded once to the cache's type. Values, and keys that carry no position, stay
   * as they are.
   *
   * @param slot one of {@link #format()}'s slots
   * @param cells [n] I32 cell indices, distinct
   * @param by positions that the tokens move, down if negative
   * @throws IllegalArgumentException if the slot, a size or a cell does not fit
   * @throws UnsupportedOperationException if there are {@link #shiftProblems}
   */
  void shiftKeys(KvSlot slot, MemorySegment cells, int by);
}
