package dev.serval.engine.gguf;

import org.jspecify.annotations.Nullable;

/** The value types of GGUF metadata, in the order of their ids (llama.cpp {@code gguf.h}). */
enum ValueType {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  /** A length of 8 bytes, then that many bytes. */
  STRING(8, 8),
  /** An element type of 4 bytes, a count of 8 bytes, then that many elements. */
  ARRAY(9, 12),
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private static final ValueType[] BY_ID = values();

  /** The type's id in a file. */
  final int id;

  /** Bytes that a value of this type takes at least. */
  final int leastBytes;

  ValueType(int id, int leastBytes) {
    this.id = id;
    this.leastBytes = leastBytes;
  }

  /** The type with an id, or null if there is none. */
  static @Nullable ValueType ofId(int id) {
    return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
  }
}
