package dev.serval.engine.tokenizer;

import java.security.SecureRandom;

/**
 * Hash codes that the author of a file cannot foresee: a table whose keys all fell into one place
 * would make a vocabulary of a few megabytes cost minutes. Immutable and thread-safe.
 */
final class SecretHash {

  /** The hash of this virtual machine. */
  static final SecretHash DRAWN = new SecretHash(new SecureRandom().nextLong());

  /** The Mersenne prime 2^61 − 1. */
  private static final long PRIME = (1L << 61) - 1;

  /** Bytes of one coefficient: as many as stay below the prime. */
  private static final int CHUNK_BYTES = 7;

  /** Where the polynomial is evaluated, 1 to {@link #PRIME} − 1. */
  private final long point;

  /** An odd number. */
  private final long factor;

  SecretHash(long secret) {
    this.point = 1 + Long.remainderUnsigned(secret, PRIME - 1);
    this.factor = secret | 1;
  }

  /**
   * Hash code of a text: the polynomial that has its bytes as coefficients, without a constant
   * term, at a secret point modulo a prime (Carter and Wegman, 1979).
   */
  int of(byte[] text, int from, int length) {
    long hash = length;
    for (int at = from, left = length; left > 0; at += CHUNK_BYTES, left -= CHUNK_BYTES) {
      long chunk = 0;
      for (int i = at; i < at + Math.min(CHUNK_BYTES, left); i++) {
        chunk = (chunk << 8) | (text[i] & 0xFF);
      }
      hash = times(hash + chunk, point);
    }
    return (int) (hash ^ (hash >>> 32));
  }

  /** Product modulo the prime, of factors below 2^62 and 2^61. */
  private static long times(long a, long b) {
    long low = a * b;
    long high = (Math.multiplyHigh(a, b) << 3) | (low >>> 61); // the bits from 2^61 on
    long sum = (low & PRIME) + high; // below 2^61 + 2^62
    long once = (sum & PRIME) + (sum >>> 61);
    return once >= PRIME ? once - PRIME : once;
  }

  /**
   * Hash code of a pair: the upper bits of its product with a secret odd factor (Dietzfelbinger et
   * al., 1997).
   *
   * @param bits how many, 1 to 31
   */
  int of(int left, int right, int bits) {
    long pair = ((long) left << 32) | (right & 0xFFFF_FFFFL);
    return (int) ((pair * factor) >>> (Long.SIZE - bits));
  }
}
