package dev.serval.engine.tokenizer;

import java.util.Arrays;

/**
 * Candidate merges of two neighbouring symbols: the lowest order comes first, and of equal orders
 * the one further left. A binary heap in two arrays. Confined to one thread.
 */
final class MergeQueue {

  /** Order of a candidate in the high half, left symbol in the low half. */
  private long[] keys = new long[64];

  /** Right symbol in the high half, bytes of both symbols in the low half. */
  private long[] values = new long[64];

  private int size;
  private long added;

  private int order;
  private int left;
  private int right;
  private int bytes;

  /**
   * Adds a candidate.
   *
   * @param order lowest first
   * @param leftSymbol index of the left symbol
   * @param rightSymbol index of the right symbol
   * @param mergedBytes bytes of both symbols together
   */
  void add(int order, int leftSymbol, int rightSymbol, int mergedBytes) {
    if (size == keys.length) {
      keys = Arrays.copyOf(keys, Math.addExact(size, size));
      values = Arrays.copyOf(values, keys.length);
    }
    long key = ((long) order << 32) | leftSymbol;
    int i = size++;
    added++;
    while (i > 0 && keys[(i - 1) / 2] > key) {
      move((i - 1) / 2, i);
      i = (i - 1) / 2;
    }
    keys[i] = key;
    values[i] = ((long) rightSymbol << 32) | mergedBytes;
  }

  /** Orders by descending score, which is not NaN; −0 equals 0. */
  static int highestFirst(float score) {
    int bits = Float.floatToIntBits(score + 0f);
    return ~(bits ^ ((bits >> 31) & 0x7FFF_FFFF));
  }

  /**
   * Takes the first candidate off the queue.
   *
   * @return false if there is none; otherwise {@link #order()}, {@link #left()}, {@link #right()}
   *     and {@link #bytes()} describe it
   */
  boolean next() {
    if (size == 0) {
      return false;
    }
    order = (int) (keys[0] >> 32);
    left = (int) keys[0];
    right = (int) (values[0] >> 32);
    bytes = (int) values[0];
    size--;
    if (size > 0) {
      sinkLast();
    }
    return true;
  }

  private void sinkLast() {
    long key = keys[size];
    long value = values[size];
    int i = 0;
    int child = 1;
    while (child < size) {
      if (child + 1 < size && keys[child + 1] < keys[child]) {
        child++;
      }
      if (keys[child] >= key) {
        break;
      }
      move(child, i);
      i = child;
      child = 2 * i + 1;
    }
    keys[i] = key;
    values[i] = value;
  }

  private void move(int from, int to) {
    keys[to] = keys[from];
    values[to] = values[from];
  }

  int order() {
    return order;
  }

  int left() {
    return left;
  }

  int right() {
    return right;
  }

  int bytes() {
    return bytes;
  }

  /** Number of candidates ever added. */
  long added() {
    return added;
  }
}
