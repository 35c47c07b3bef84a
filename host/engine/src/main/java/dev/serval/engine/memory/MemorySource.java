package dev.serval.engine.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Where a pool's fresh memory comes from. */
@FunctionalInterface
public interface MemorySource {

  /**
   * Takes fresh memory, zeroed.
   *
   * @param arena what the memory lives in
   * @param bytes size, positive
   * @param alignment of its address, in bytes
   * @throws OutOfMemoryError if there is not as much
   */
  MemorySegment allocate(Arena arena, long bytes, long alignment);
}
