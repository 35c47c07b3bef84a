package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Graph;
import dev.serval.tck.memory.TestMemory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Texts that grow, are forked, shortened, cut in the middle, checkpointed, resumed and forgotten at
 * random, with steps that are aborted: whatever happened, each token sees the rows of its own text
 * that its mask names, at their positions.
 */
class KvCacheRandomTest {

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
  private final List<List<Integer>> texts = new ArrayList<>();
  private int tokens;
  private int full;
  private int restored;
  private int shared;

  @Test
  void noCellIsLackingWithoutMemory() {
    run(0, KvSizes.cells(graph.groups(), CONTEXT, SEQUENCES, MAX_TOKENS, 0), 0);
    assertEquals(List.of(0, 0), List.of(full, restored));
  }

  @Test
  void noCellIsLackingWithMemoryAndCheckpoints() {
    run(7, KvSizes.cells(graph.groups(), CONTEXT, SEQUENCES, MAX_TOKENS, 7), 1 << 20);
    assertEquals(0, full);
    assertTrue(restored > 20 && shared > 3, restored + " restored, " + shared + " shared");
  }

  @Test
  void smallCacheIsFullAtTimesAndGoesOn() {
    run(3, List.of(140, 64, 64, 32), 1 << 18);
    assertTrue(full > 20 && restored > 20, full + " full, " + restored + " restored");
  }

  private void run(int memory, List<Integer> sizes, long checkpointBytes) {
    for (int s = 0; s < SEQUENCES; s++) {
      texts.add(new ArrayList<>());
    }
    RowProgram program = new RowProgram(graph, sizes);
    KvCells cells = new KvCells(graph.groups(), sizes, MAX_TOKENS, memory);
    Step step =
        TestGroups.step(
            graph, MAX_TOKENS, SEQUENCES, sizes.stream().mapToInt(Integer::intValue).toArray());
    int i = 0;
    try (TestMemory host = new TestMemory();
        KvCache cache = new KvCache(cells, List.of(program), host.resources(), checkpointBytes)) {
      for (; i < STEPS; i++) {
        change(cache, random.nextInt(SEQUENCES));
        step(cache, program, step);
        cells.tables().forEach(CellInvariants::check);
        assertTrue(cache.checkpointBytes() <= checkpointBytes);
      }
      for (int s = 0; s < SEQUENCES; s++) {
        cache.remove(s, 0);
      }
      assertEquals(0, cache.checkpointBytes(), "checkpoints of texts that are gone");
      cells.tables().forEach(t -> assertEquals(t.cells(), t.freeCells()));
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed " + SEED + ", step " + i, e);
    }
  }

  private void change(KvCache cache, int s) {
    List<Integer> text = texts.get(s);
    switch (random.nextInt(10)) {
      case 0 -> resume(cache, s, 0);
      case 1, 2 -> resume(cache, s, random.nextInt(text.size() + 1));
      case 3 -> {
        int source = (s + 1 + random.nextInt(SEQUENCES - 1)) % SEQUENCES;
        int length = random.nextInt(texts.get(source).size() + 1);
        cache.fork(source, s, length);
        texts.set(s, new ArrayList<>(texts.get(source).subList(0, length)));
        resume(cache, s, length);
      }
      case 4 -> {
        if (text.size() > 1) {
          int begin = random.nextInt(text.size() - 1);
          cut(cache, s, begin, begin + 1 + random.nextInt(text.size() - begin));
        }
      }
      case 5, 6 -> cache.checkpoint(s, cache.cells().length(s));
      default -> {}
    }
  }

  private void resume(KvCache cache, int s, int position) {
    Resumption r = cache.resume(s, position);
    assertEquals(position, r.asked());
    assertTrue(r.position() <= position && r.lost() == position - r.position());
    assertEquals(r.lost() == 0, r.reason().isEmpty());
    assertEquals(r.position(), cache.cells().length(s));
    restored += r.isRestored() ? 1 : 0;
    texts.get(s).subList(r.position(), texts.get(s).size()).clear();
  }

  private void cut(KvCache cache, int s, int begin, int end) {
    int length = texts.get(s).size();
    boolean moves = end < length;
    boolean isShared =
        moves
            && cache.cells().tables().stream()
                .anyMatch(t -> t.alone(s, end, length) < length - Math.max(end, t.from(s)));
    boolean keeps = moves && cache.keepsWindows(s, begin, end);
    if (moves && !cache.hasRoomToMove(s, begin, end)) {
      assertTrue(isShared);
      assertThrows(CacheFullException.class, () -> cache.remove(s, begin, end));
      resume(cache, s, random.nextBoolean() ? 0 : length);
      return;
    }
    cache.remove(s, begin, end);
    shared += isShared ? 1 : 0;
    texts.get(s).subList(begin, Math.min(end, length)).clear();
    assertTrue(!keeps || cache.resumable(s, texts.get(s).size()).lost() == 0);
    resume(cache, s, texts.get(s).size());
  }

  private void step(KvCache cache, RowProgram program, Step step) {
    KvCells cells = cache.cells();
    step.begin();
    Map<Integer, Integer> placed = new HashMap<>();
    for (int s = 0; s < SEQUENCES && step.tokens() < MAX_TOKENS; s++) {
      int position = texts.get(s).size();
      int n = Math.min(CONTEXT - position, random.nextInt(MAX_TOKENS - step.tokens() + 1));
      if (n > 0 && !cells.fits(s, position, n)) {
        full++;
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
      program.compute(step, texts);
      cells.settle();
    } else {
      if (random.nextBoolean()) {
        program.enter(step);
      }
      placed.forEach((s, position) -> {
        cache.remove(s, position);
        texts.get(s).subList(position, texts.get(s).size()).clear();
      });
    }
  }
}
