package dev.serval.backend.cpu.layout;

import dev.serval.api.memory.Alignment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Assigns offsets to blocks that live for a while, so that blocks that never live together share
 * memory: each gets the lowest gap between the blocks alive with it. Confined to one thread.
 */
final class BlockArena {

  /** Start of every block. */
  static final long ALIGNMENT_BYTES = Alignment.CPU_BYTES;

  private record Block(long offset, long end, int from, int until) {}

  private final List<Block> blocks = new ArrayList<>();
  private long bytes;

  /**
   * Places a block.
   *
   * @param size bytes, at least 0
   * @param from first moment of its life
   * @param until last moment of its life, included
   * @return its offset
   */
  long place(long size, int from, int until) {
    long need = aligned(Math.max(1, size));
    long offset = 0;
    List<Block> alive =
        blocks.stream()
            .filter(b -> b.from <= until && b.until >= from)
            .sorted(Comparator.comparingLong(Block::offset))
            .toList();
    for (Block b : alive) {
      if (Math.addExact(offset, need) <= b.offset) {
        break;
      }
      offset = Math.max(offset, b.end);
    }
    Block block = new Block(offset, Math.addExact(offset, need), from, until);
    blocks.add(block);
    bytes = Math.max(bytes, block.end);
    return offset;
  }

  /** The size rounded up to {@link #ALIGNMENT_BYTES}. */
  static long aligned(long size) {
    return Alignment.up(size, ALIGNMENT_BYTES);
  }

  /** Bytes of the memory that holds all blocks. */
  long bytes() {
    return bytes;
  }
}
