package dev.serval.engine.gguf;

import org.jspecify.annotations.Nullable;

/** The value types of GGUF metadata, in the order of their ids (llama.cpp {@code gguf.h}). */
enum ValueType {
  UINT8(1),
  INT8(1),
  UINT16(2),
  INT16(2),
  UINT32(4),
  INT32(4),
  FLOAT32(4),
  BOOL(1),
  /** A length of 8 bytes, then that many bytes. */
  STRING(8),
  /** An element type of 4 bytes, a count of 8 bytes, then that many elements. */
  ARRAY(12),
  UINT64(8),
  INT64(8),
  FLOAT64(8);

  private static final ValueType[] BY_ID = values();

  /** Bytes that a value of this type takes at least. */
  final int leastBytes;

  ValueType(int leastBytes) {
    this.leastBytes = leastBytes;
  }

  /** The type with an id, or null if there is none. */
  static @Nullable ValueType ofId(int id) {
    return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
  }
}
