package dev.serval.engine.tokenizer;

/**
 * Merges neighbouring symbols of a text: of all pairs that may be merged the one that comes first
 * in the order of the subclass is, ties from the left, until no pair is left.
 *
 * <p>Each merge removes a symbol and adds at most two candidates, so that n symbols take fewer than
 * n merges and 3n candidates, O(n log n) in all. One text after the other; confined to one thread.
 */
abstract class PairMerge {

  static final int NONE = -1;

  private final MergeQueue queue = new MergeQueue();

  /** Offset of each symbol in the text. */
  private int[] start = {};

  /** Bytes of each symbol; 0 for one that was merged into its left neighbour. */
  private int[] length = {};

  private int[] previous = {};
  private int[] next = {};
  private int symbols;
  private long merges;

  /** Offers a pair of neighbours to {@link #candidate} if it may be merged. */
  abstract void offer(int left, int right);

  /**
   * Takes note that {@code left} now stands for itself and its right neighbour.
   *
   * @param order as given with the candidate
   */
  abstract void merged(int left, int order);

  /** Starts another text of at most {@code most} symbols. */
  void begin(int most) {
    symbols = 0;
    if (start.length < most) {
      start = new int[most];
      length = new int[most];
      previous = new int[most];
      next = new int[most];
    }
  }

  /** Adds a symbol; returns its index. */
  final int addSymbol(int from, int bytes) {
    int symbol = symbols++;
    start[symbol] = from;
    length[symbol] = bytes;
    previous[symbol] = symbol - 1;
    next[symbol] = symbol + 1;
    return symbol;
  }

  /** Merges all that can be merged; at least one symbol was added. */
  final void mergeAll() {
    next[symbols - 1] = NONE;
    for (int right = 1; right < symbols; right++) {
      offer(right - 1, right);
    }
    while (queue.next()) {
      int left = queue.left();
      int right = queue.right();
      if (length[left] != 0
          && length[right] != 0
          && length[left] + length[right] == queue.bytes()) { // else one was merged since
        merge(left, right, queue.order());
      }
    }
  }

  private void merge(int left, int right, int order) {
    merges++;
    length[left] += length[right];
    length[right] = 0;
    next[left] = next[right];
    if (next[right] != NONE) {
      previous[next[right]] = left;
    }
    merged(left, order);
    if (previous[left] != NONE) {
      offer(previous[left], left);
    }
    if (next[left] != NONE) {
      offer(left, next[left]);
    }
  }

  /** Adds a pair to the candidates; of equal order the one further left comes first. */
  final void candidate(int order, int left, int right) {
    queue.add(order, left, right, length[left] + length[right]);
  }

  final int start(int symbol) {
    return start[symbol];
  }

  final int length(int symbol) {
    return length[symbol];
  }

  /** The symbol that follows, or {@link #NONE}; the first is 0. */
  final int next(int symbol) {
    return next[symbol];
  }

  /** Number of merges made, over all texts. */
  final long merges() {
    return merges;
  }

  /** Number of merges considered, over all texts. */
  final long candidates() {
    return queue.added();
  }
}
