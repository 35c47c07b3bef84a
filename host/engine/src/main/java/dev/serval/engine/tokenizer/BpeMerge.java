package dev.serval.engine.tokenizer;

/** Merges symbols by a ranked list of pairs, the lowest rank first. Confined to one thread. */
final class BpeMerge extends PairMerge {

  private final MergeTable table;
  private int[] tokens = {};

  BpeMerge(MergeTable table) {
    this.table = table;
  }

  @Override
  void begin(int most) {
    super.begin(most);
    if (tokens.length < most) {
      tokens = new int[most];
    }
  }

  /** Adds a symbol with its number in the table, which may be {@link #NONE}. */
  void add(int from, int bytes, int number) {
    tokens[addSymbol(from, bytes)] = number;
  }

  @Override
  void offer(int left, int right) {
    int rank = table.rank(tokens[left], tokens[right]);
    if (rank != NONE) {
      candidate(rank, left, right);
    }
  }

  @Override
  void merged(int left, int order) {
    tokens[left] = table.merged(order);
  }

  /** What a symbol has become: a number of the table, or {@link #NONE}. */
  int token(int symbol) {
    return tokens[symbol];
  }
}
