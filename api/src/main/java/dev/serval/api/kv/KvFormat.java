package dev.serval.api.kv;

import dev.serval.api.tensor.DataType;
import java.util.ArrayList;
import java.util.List;

/**
 * Describes rows of a key/value cache in their canonical form, in which they travel between
 * programs. Two caches exchange rows iff their formats are equal; {@link #problems} says why they
 * do not.
 *
 * <p>A canonical row of a slot is {@code keyWidth} elements of the key followed by {@code
 * valueWidth} elements of the value, in {@code type}, little-endian, heads in order, nothing
 * between.
 *
 * @param version version of the canonical form, {@link #VERSION}
 * @param graphDigest digest of the whole graph the rows belong to
 * @param type element type of stored keys and values
 * @param slots all slots of the program, ascending
 */
public record KvFormat(int version, String graphDigest, DataType type, List<KvSlot> slots) {

  /** The version of the canonical form that this api defines. */
  public static final int VERSION = 1;

  /** Copies the list. */
  public KvFormat {
    slots = List.copyOf(slots);
  }

  /**
   * Why rows of another cache cannot enter this one.
   *
   * @param source format of the rows
   * @return reasons, empty iff the formats are equal
   */
  public List<String> problems(KvFormat source) {
    List<String> problems = new ArrayList<>();
    compare("version", version, source.version, problems);
    compare("graph", graphDigest, source.graphDigest, problems);
    compare("type", type, source.type, problems);
    int n = slots.size();
    compare("number of slots", n, source.slots.size(), problems);
    for (int i = 0; i < Math.min(n, source.slots.size()); i++) {
      compare("slot " + i + " of " + n, slots.get(i), source.slots.get(i), problems);
    }
    return List.copyOf(problems);
  }

  /**
   * Refuses rows of another cache.
   *
   * @param source format of the rows
   * @throws IllegalArgumentException with the {@link #problems}, if there are any
   */
  public void requireEqual(KvFormat source) {
    List<String> problems = problems(source);
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
  }

  private static void compare(String what, Object expected, Object got, List<String> problems) {
    if (!expected.equals(got)) {
      problems.add("cache rows of another " + what + ": expected " + expected + ", got " + got);
    }
  }

  /** Bytes of one canonical row of {@code slot}. */
  public long rowBytes(KvSlot slot) {
    return type.bytes(slot.keyWidth()) + type.bytes(slot.valueWidth());
  }
}
