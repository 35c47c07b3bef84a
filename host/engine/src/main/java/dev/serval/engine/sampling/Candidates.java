package dev.serval.engine.sampling;

/**
 * The tokens that may be drawn, and the stages that make them fewer.
 *
 * <p>A candidate is a {@code long}: its logit in the upper half, as an integer that sorts like the
 * float, and the complement of its id in the lower half. Greater numbers are better candidates:
 * those with the higher logit, and of equal logits with the lower id. Probabilities are softmax
 * over the candidates that are left, in double precision.
 *
 * <p>Confined to one thread; allocates only when created.
 */
final class Candidates {

  private final long[] keys;
  private int size;

  /** Whether the worst candidate is on top of a heap, because there were more than fit. */
  private boolean isHeap;

  /** Whether the best candidate comes first and the worst last. */
  private boolean isSorted;

  /**
   * Makes room.
   *
   * @param capacity candidates kept at most: of more, the best
   */
  Candidates(int capacity) {
    this.keys = new long[capacity];
  }

  private static long key(int token, float logit) {
    int bits = Float.floatToRawIntBits(logit + 0f); // −0 becomes 0
    int ordered = bits ^ ((bits >> 31) & 0x7FFF_FFFF);
    return ((long) ordered << 32) | (~token & 0xFFFF_FFFFL);
  }

  private static float logit(long key) {
    int ordered = (int) (key >> 32);
    return Float.intBitsToFloat(ordered ^ ((ordered >> 31) & 0x7FFF_FFFF));
  }

  private static int token(long key) {
    return ~(int) key;
  }

  /** Forgets all candidates. */
  void clear() {
    size = 0;
    isHeap = false;
    isSorted = false;
  }

  /**
   * Adds a token; of more than fit, the worst is dropped. Tokens come in any order, before any
   * stage.
   *
   * @param logit neither NaN nor infinite
   */
  void add(int token, float logit) {
    long key = key(token, logit);
    if (size < keys.length) {
      keys[size++] = key;
      return;
    }
    if (!isHeap) {
      for (int i = size / 2 - 1; i >= 0; i--) {
        sink(i, size, 1);
      }
      isHeap = true;
    }
    if (key > keys[0]) {
      keys[0] = key;
      sink(0, size, 1);
    }
  }

  /**
   * A logit that a token must exceed to be kept if it comes after tokens of lower ids only: that of
   * the worst candidate once some were dropped, −∞ before.
   */
  float threshold() {
    return isHeap ? logit(keys[0]) : Float.NEGATIVE_INFINITY;
  }

  /** Number of candidates. */
  int size() {
    return size;
  }

  /** The token at a place. */
  int token(int place) {
    return token(keys[place]);
  }

  /** The logit at a place. */
  float logit(int place) {
    return logit(keys[place]);
  }

  /** Sorts all candidates, best first. */
  void sort() {
    if (!isSorted) {
      sortBest(Double.POSITIVE_INFINITY);
    }
  }

  /**
   * Keeps the best candidates up to the one with which their probability reaches {@code p}; at
   * least one, in order.
   */
  void topP(double p) {
    if (p >= 1 || size == 0) {
      return;
    }
    double reached = p * weights();
    if (!isSorted) {
      size = sortBest(reached);
      return;
    }
    double max = best();
    double sum = 0;
    int n = 0;
    do {
      sum += Math.exp(logit(keys[n++]) - max);
    } while (n < size && sum < reached);
    size = n;
  }

  /** Keeps the candidates whose probability is at least {@code p} times that of the best. */
  void minP(double p) {
    if (p <= 0 || size == 0) {
      return;
    }
    double least = best() + Math.log(p);
    int n = 0;
    for (int i = 0; i < size; i++) {
      if (logit(keys[i]) >= least) {
        keys[n++] = keys[i];
      }
    }
    size = n;
  }

  /**
   * Draws a candidate with the probability that it has after its logit is divided by the
   * temperature: the first whose running sum exceeds the share {@code r} of the total.
   *
   * @param temperature positive
   * @param r uniform in [0, 1)
   */
  int draw(double temperature, double r) {
    double max = best();
    double total = 0;
    for (int i = 0; i < size; i++) {
      total += Math.exp((logit(keys[i]) - max) / temperature);
    }
    double target = r * total;
    double sum = 0;
    int last = 0;
    for (int i = 0; i < size; i++) {
      double weight = Math.exp((logit(keys[i]) - max) / temperature);
      sum += weight;
      if (sum > target) {
        return token(keys[i]);
      }
      last = weight > 0 ? i : last;
    }
    return token(keys[last]); // the target was rounded up to the total
  }

  /** The highest logit. */
  private double best() {
    if (isSorted) {
      return logit(keys[0]);
    }
    long best = keys[0];
    for (int i = 1; i < size; i++) {
      best = Math.max(best, keys[i]);
    }
    return logit(best);
  }

  /** Sum of exp(logit − best). */
  private double weights() {
    double max = best();
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += Math.exp(logit(keys[i]) - max);
    }
    return sum;
  }

  /**
   * Brings the best candidates to the front, best first, until their summed weight exp(logit −
   * best) reaches a number: heap sort that stops early, O(size + n log size) for n of them.
   *
   * @return how many there are, at least one unless there are no candidates
   */
  private int sortBest(double reached) {
    for (int i = size / 2 - 1; i >= 0; i--) {
      sink(i, size, -1);
    }
    double max = size == 0 ? 0 : logit(keys[0]);
    double sum = 0;
    int n = 0;
    while (n < size && (n == 0 || sum < reached)) {
      int end = size - 1 - n;
      swap(0, end);
      sink(0, end, -1);
      sum += Math.exp(logit(keys[end]) - max);
      n++;
    }
    // The best now lie at the end, in reverse.
    for (int i = 0; i < Math.min(n, size / 2); i++) {
      swap(i, size - 1 - i);
    }
    isSorted = true;
    return n;
  }

  /**
   * Restores the heap below a place.
   *
   * @param sign 1 for the worst on top, −1 for the best on top
   */
  private void sink(int place, int heapSize, int sign) {
    long key = keys[place];
    int i = place;
    int child = 2 * i + 1;
    while (child < heapSize) {
      if (child + 1 < heapSize && sign * Long.compare(keys[child + 1], keys[child]) < 0) {
        child++;
      }
      if (sign * Long.compare(keys[child], key) >= 0) {
        break;
      }
      keys[i] = keys[child];
      i = child;
      child = 2 * i + 1;
    }
    keys[i] = key;
  }

  private void swap(int i, int j) {
    long key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
  }
}
