package dev.serval.engine.gguf;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The MXFP4 of Ollama's first gpt-oss files, type id 4: byte {@code k} of a block's 16 holds
 * elements {@code 2k} and {@code 2k + 1}, where GGUF's type 39 has elements {@code k} and {@code k
 * + 16}. Scales and sizes are the same.
 */
final class SequentialNibbles {

  private static final int BLOCK_BYTES = DataType.MXFP4.blockBytes();
  private static final int HALF = 8;

  /** Bytes re-ordered at once, whole blocks. */
  private static final int CHUNK_BYTES = 4096 * BLOCK_BYTES;

  private SequentialNibbles() {}

  /** Brings whole blocks into the order of type 39, in place. */
  static void repair(MemorySegment blocks) {
    byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, blocks.byteSize())];
    byte[] old = new byte[2 * HALF];
    for (long at = 0; at < blocks.byteSize(); at += CHUNK_BYTES) {
      int n = (int) Math.min(CHUNK_BYTES, blocks.byteSize() - at);
      MemorySegment.copy(blocks, ValueLayout.JAVA_BYTE, at, chunk, 0, n);
      for (int start = 1; start < n; start += BLOCK_BYTES) {
        System.arraycopy(chunk, start, old, 0, old.length);
        repair(old, chunk, start);
      }
      MemorySegment.copy(chunk, 0, blocks, ValueLayout.JAVA_BYTE, at, n);
    }
  }

  private static void repair(byte[] old, byte[] chunk, int start) {
    for (int i = 0; i < HALF; i++) {
      int front = old[i];
      int back = old[HALF + i];
      chunk[start + 2 * i] = (byte) ((front & 0x0F) | (back << 4));
      chunk[start + 2 * i + 1] = (byte) (((front >> 4) & 0x0F) | (back & 0xF0));
    }
  }
}
