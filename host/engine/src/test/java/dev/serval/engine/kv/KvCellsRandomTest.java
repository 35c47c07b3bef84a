package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvGroup;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Texts that grow, are forked, shortened, cut in the middle and forgotten at random, with steps
 * that are aborted: whatever happened, each token sees the tokens of its own text that its mask
 * names, in the cells that the program was told of.
 */
class KvCellsRandomTest {

  private static final long SEED = Long.getLong("serval.test.seed", 20261120);
  private static final int CONTEXT = 60;
  private static final int SEQUENCES = 5;
  private static final int MAX_TOKENS = 17;
  private static final int STEPS = 2_000;

  private static final MaskKind[] MASKS = {
    MaskKind.CAUSAL, MaskKind.sliding(10), MaskKind.chunked(12), MaskKind.sliding(1)
  };

  private final Random random = new Random(SEED);
  private final Graph graph = TestGroups.graph(MASKS);

  /** The token in each cell, and the cell of each position, as a program knows them. */
  private final List<Map<Integer, Integer>> tokenIn = new ArrayList<>();

  private final List<Map<Long, Integer>> cellOf = new ArrayList<>();
  private final List<List<Integer>> texts = new ArrayList<>();
  private int tokens;

  @Test
  void noCellIsLackingWithoutMemory() {
    run(0, KvCells.sizes(graph.groups(), CONTEXT, SEQUENCES, MAX_TOKENS, 0), false);
  }

  @Test
  void noCellIsLackingWithMemory() {
    run(7, KvCells.sizes(graph.groups(), CONTEXT, SEQUENCES, MAX_TOKENS, 7), false);
  }

  @Test
  void smallCacheIsFullAtTimesAndGoesOn() {
    run(3, List.of(140, 64, 64, 32), true);
  }

  private void run(int memory, List<Integer> sizes, boolean small) {
    for (int g = 0; g < MASKS.length; g++) {
      tokenIn.add(new HashMap<>());
      cellOf.add(new HashMap<>());
    }
    for (int s = 0; s < SEQUENCES; s++) {
      texts.add(new ArrayList<>());
    }
    KvCells cells = new KvCells(graph.groups(), sizes, MAX_TOKENS, memory);
    Step step =
        TestGroups.step(
            graph, MAX_TOKENS, SEQUENCES, sizes.stream().mapToInt(Integer::intValue).toArray());
    int full = 0;
    int i = 0;
    try {
      for (; i < STEPS; i++) {
        change(cells, random.nextInt(SEQUENCES));
        full += step(cells, step) ? 0 : 1;
        cells.tables().forEach(CellInvariants::check);
      }
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed " + SEED + ", step " + i, e);
    }
    assertEquals(small, full > 0, full + " steps found the cache full");
    for (int s = 0; s < SEQUENCES; s++) {
      cells.remove(s, 0);
    }
    cells.tables().forEach(t -> assertEquals(t.cells(), t.freeCells()));
  }

  private void change(KvCells cells, int s) {
    List<Integer> text = texts.get(s);
    switch (random.nextInt(8)) {
      case 0 -> shorten(cells, s, 0);
      case 1 -> shorten(cells, s, random.nextInt(text.size() + 1));
      case 2 -> {
        int source = (s + 1 + random.nextInt(SEQUENCES - 1)) % SEQUENCES;
        int length = random.nextInt(texts.get(source).size() + 1);
        cells.fork(source, s, length);
        texts.set(s, new ArrayList<>(texts.get(source).subList(0, length)));
        shorten(cells, s, length);
      }
      case 3 -> {
        if (text.size() > 1) {
          int begin = random.nextInt(text.size() - 1);
          int end = begin + 1 + random.nextInt(text.size() - 1 - begin);
          cut(cells, s, begin, end);
        }
      }
      default -> {}
    }
  }

  /** Goes back to a position, or as far as is needed to go on. */
  private void shorten(KvCells cells, int s, int length) {
    int position = cells.resumable(s, length);
    assertTrue(position <= length);
    cells.remove(s, position);
    texts.get(s).subList(position, texts.get(s).size()).clear();
  }

  private void cut(KvCells cells, int s, int begin, int end) {
    try {
      cells.requireMovable(s, end);
    } catch (SharedCellException e) {
      shorten(cells, s, 0);
      return;
    }
    cells.close(s, begin, end);
    texts.get(s).subList(begin, end).clear();
    shorten(cells, s, texts.get(s).size());
  }

  /** Runs some sequences; false if the cache was full for one. */
  private boolean step(KvCells cells, Step step) {
    step.begin();
    boolean enough = true;
    Map<Integer, Integer> placed = new HashMap<>();
    for (int s = 0; s < SEQUENCES && step.tokens() < MAX_TOKENS; s++) {
      int position = texts.get(s).size();
      int n = Math.min(CONTEXT - position, random.nextInt(MAX_TOKENS - step.tokens() + 1));
      if (n > 0 && !cells.fits(s, position, n)) {
        enough = false;
        n = 0;
      }
      if (n > 0) {
        int first = step.tokens();
        for (int k = 0; k < n; k++) {
          step.token(tokens, position + k, s);
          texts.get(s).add(tokens++);
        }
        cells.place(step, first, s, position, n);
        placed.put(s, position);
      }
    }
    if (random.nextInt(4) > 0) {
      compute(step);
      cells.settle();
    } else {
      if (random.nextBoolean()) {
        enter(step);
      }
      placed.forEach((s, position) -> {
        cells.remove(s, position);
        texts.get(s).subList(position, texts.get(s).size()).clear();
      });
    }
    return enough;
  }

  private static long key(int sequence, int position) {
    return (long) sequence << Integer.SIZE | position;
  }

  private void enter(Step step) {
    for (int i = 0; i < step.moves(); i++) {
      cellOf.get(step.move(i, 0)).put(key(step.move(i, 1), step.move(i, 2)), step.move(i, 3));
    }
    for (int row = 0; row < step.tokens(); row++) {
      for (KvGroup g : graph.groups()) {
        int cell = step.cell(g.index(), row);
        cellOf.get(g.index()).put(key(step.sequence(row), step.position(row)), cell);
        tokenIn.get(g.index()).put(cell, step.tokenId(row));
      }
    }
  }

  /** Does what a program does, with eyes that compare what they see with the text. */
  private void compute(Step step) {
    enter(step);
    for (int row = 0; row < step.tokens(); row++) {
      int s = step.sequence(row);
      for (KvGroup g : graph.groups()) {
        List<Integer> seen = new ArrayList<>();
        for (int p = step.from(g.index(), row); p < step.until(g.index(), row); p++) {
          Integer cell = cellOf.get(g.index()).get(key(s, p));
          seen.add(cell == null ? -1 : tokenIn.get(g.index()).getOrDefault(cell, -1));
        }
        assertEquals(visible(g.mask(), step.position(row), texts.get(s)), seen);
      }
    }
  }

  /** The rule of the mask, position by position. */
  private static List<Integer> visible(MaskKind mask, int position, List<Integer> text) {
    List<Integer> all = new ArrayList<>();
    for (int p = 0; p <= position; p++) {
      boolean sees =
          switch (mask.type()) {
            case CAUSAL -> true;
            case SLIDING -> position - p < mask.window();
            case CHUNKED -> p / mask.window() == position / mask.window();
            case SYMMETRIC, BIDIRECTIONAL -> throw new IllegalArgumentException(mask.toString());
          };
      if (sees) {
        all.add(text.get(p));
      }
    }
    return all;
  }
}
