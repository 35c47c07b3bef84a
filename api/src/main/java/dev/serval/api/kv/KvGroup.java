package dev.serval.api.kv;

import dev.serval.api.attention.MaskKind;
import java.util.List;

/**
 * The slots of one mask kind. They share one cell table: a cell index means the same token in each
 * of them. A graph that attends without a cache has groups without slots, which only carry the
 * visible intervals of their mask.
 *
 * @param index number of the group in its graph, from 0
 * @param mask the common mask
 * @param slots slots of this group, ascending; empty for attention without a cache
 */
public record KvGroup(int index, MaskKind mask, List<KvSlot> slots) {

  /** Copies the list. */
  public KvGroup {
    slots = List.copyOf(slots);
  }

  /** Elements of keys and values that one cell holds in all slots of the group. */
  public long elementsPerCell() {
    long n = 0;
    for (KvSlot slot : slots) {
      n += slot.keyWidth() + slot.valueWidth();
    }
    return n;
  }
}
