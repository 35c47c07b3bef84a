package dev.serval.engine.kv;

import dev.serval.api.attention.MaskKind;

/**
 * A group of caches has fewer free cells than a step needs. Nothing was taken; what was out of
 * sight already was freed. Removing a sequence, best a cached one, makes room.
 */
public final class CacheFullException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  private final int wanted;
  private final int free;
  private final int cells;

  /**
   * Creates the failure.
   *
   * @param mask what the group's attention sees
   * @param wanted cells that the step needs
   * @param free cells that are free
   * @param cells all cells
   * @param largest the sequence that holds the most cells
   * @param held how many it holds
   */
  CacheFullException(MaskKind mask, int wanted, int free, int cells, int largest, int held) {
    super(
        "cache of "
            + mask
            + " is full: "
            + wanted
            + " cells wanted, "
            + free
            + " of "
            + cells
            + " free; sequence "
            + largest
            + " holds "
            + held);
    this.wanted = wanted;
    this.free = free;
    this.cells = cells;
  }

  /** Cells that the step needs. */
  public int wanted() {
    return wanted;
  }

  /** Cells that are free. */
  public int free() {
    return free;
  }

  /** All cells of the group. */
  public int cells() {
    return cells;
  }
}
