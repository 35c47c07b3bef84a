package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;

/**
 * A weight matrix in tiles of {@link #TILE_ROWS} rows, laid out so that lanes of a vector are rows:
 * no sum over lanes is ever needed, and the order of operations of an output is the same at every
 * vector width. The last tile is padded with zero rows.
 *
 * @param type element type of the packed data
 * @param in elements of a row
 * @param out rows
 * @param data all tiles, tile after tile, each {@link #tileBytes()} long, native memory
 */
public record PackedMatrix(DataType type, int in, int out, MemorySegment data) {

  /** Rows per tile. */
  public static final int TILE_ROWS = 32;

  /** Elements of a row that are packed together; of plain types, that are summed up together. */
  public static final int BLOCK = 32;

  /** Number of tiles. */
  public int tiles() {
    return (out + TILE_ROWS - 1) / TILE_ROWS;
  }

  /** Bytes of one tile. */
  public long tileBytes() {
    return tileBytes(type, in);
  }

  /**
   * Bytes of one tile.
   *
   * @throws IllegalArgumentException if the type cannot be packed
   */
  public static long tileBytes(DataType type, int in) {
    return Packing.tileBytes(type, in);
  }

  /** Bytes of all tiles of a matrix. */
  public static long bytes(DataType type, int in, int out) {
    return Math.multiplyExact(tileBytes(type, in), (out + TILE_ROWS - 1L) / TILE_ROWS);
  }
}
