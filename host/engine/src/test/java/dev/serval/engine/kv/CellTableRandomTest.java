package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.SequenceSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A cell table against a map from position to token for each sequence. */
class CellTableRandomTest {

  private static final long SEED = Long.getLong("serval.test.seed", 20261120);
  private static final int OPERATIONS = 35_000;
  private static final int CELLS = 90;

  /** The first, the last, and some between. */
  private static final int[] SEQUENCES = {0, 1, 2, 31, 32, 33, 62, 63};

  private final Random random = new Random(SEED);

  /** What the sequences hold: by position the number of the token. */
  private final Map<Integer, NavigableMap<Integer, Integer>> naive = new TreeMap<>();

  private final int[] until = new int[SequenceSet.MAX_SEQUENCES];
  private final int[] tokenIn = new int[CELLS];
  private int tokens;
  private MaskKind mask = MaskKind.CAUSAL;
  private int memory;
  private CellTable table = TestGroups.table(CELLS, mask, memory);

  @Test
  void causalTableAgreesWithMaps() {
    agrees(MaskKind.CAUSAL, 0);
  }

  @Test
  void slidingTableAgreesWithMaps() {
    agrees(MaskKind.sliding(9), 5);
  }

  @Test
  void chunkedTableAgreesWithMaps() {
    agrees(MaskKind.chunked(8), 0);
  }

  private void agrees(MaskKind kind, int kept) {
    mask = kind;
    memory = kept;
    table = TestGroups.table(CELLS, mask, memory);
    int i = 0;
    try {
      for (; i < OPERATIONS; i++) {
        operate(SEQUENCES[random.nextInt(SEQUENCES.length)]);
        compare();
        CellInvariants.check(table);
      }
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed " + SEED + ", operation " + i + ", " + mask, e);
    }
  }

  private NavigableMap<Integer, Integer> own(int sequence) {
    return naive.computeIfAbsent(sequence, s -> new TreeMap<>());
  }

  private void operate(int s) {
    switch (random.nextInt(12)) {
      case 0 -> truncate(s, random.nextInt(until[s] + 2));
      case 1 -> truncate(s, 0);
      case 2, 3 -> fork(s, SEQUENCES[random.nextInt(SEQUENCES.length)]);
      case 4, 5 -> closeGap(s);
      case 6 -> resume(s);
      default -> extend(s, 1 + random.nextInt(12));
    }
  }

  private void extend(int s, int n) {
    table.prune(s, until[s]);
    own(s).headMap(mask.visibleFrom(until[s]) - memory, false).clear();
    if (n > CELLS - used()) {
      assertThrows(CacheFullException.class, () -> TestGroups.allocate(table, s, until[s], n));
      truncate(SEQUENCES[random.nextInt(SEQUENCES.length)], 0);
      return;
    }
    for (int cell : TestGroups.allocate(table, s, until[s], n)) {
      tokenIn[cell] = tokens;
      own(s).put(until[s]++, tokens++);
    }
  }

  private int used() {
    Set<Integer> all = new HashSet<>();
    naive.values().forEach(own -> all.addAll(own.values()));
    return all.size();
  }

  private void truncate(int s, int position) {
    table.remove(s, position);
    own(s).tailMap(position, true).clear();
    until[s] = Math.min(until[s], position);
  }

  private void fork(int source, int target) {
    int length = random.nextInt(until[source] + 3);
    if (source == target) {
      assertThrows(IllegalArgumentException.class, () -> table.copyPrefix(source, target, length));
      return;
    }
    table.copyPrefix(source, target, length);
    own(target).clear();
    own(target).putAll(own(source).headMap(length, false));
    until[target] = Math.min(length, until[source]);
  }

  private void closeGap(int s) {
    if (until[s] == 0) {
      return;
    }
    int begin = random.nextInt(until[s]);
    int end = begin + 1 + random.nextInt(until[s] - begin);
    Set<Integer> others = new HashSet<>();
    naive.forEach((other, held) -> others.addAll(other == s ? List.of() : held.values()));
    List<Integer> shared =
        own(s).tailMap(end, true).entrySet().stream()
            .filter(e -> others.contains(e.getValue()))
            .map(Map.Entry::getKey)
            .toList();
    if (shared.size() > CELLS - used()) {
      return;
    }
    for (int position : shared) {
      int cell = table.separate(s, table.next(s, position, position + 1, 0));
      tokenIn[cell] = tokens;
      own(s).put(position, tokens++);
    }
    table.close(s, begin, end);
    NavigableMap<Integer, Integer> moved = new TreeMap<>(own(s).headMap(begin, false));
    own(s).tailMap(end, true).forEach((p, token) -> moved.put(p - (end - begin), token));
    naive.put(s, moved);
    until[s] -= end - begin;
  }

  private void resume(int s) {
    int asked = random.nextInt(until[s] + 3);
    int best = Math.min(asked, until[s]);
    while (!sees(s, best)) {
      best--;
    }
    assertEquals(best, table.resumable(s, asked));
    truncate(s, best);
  }

  /** Whether everything that the token at a position sees before itself is held. */
  private boolean sees(int s, int position) {
    for (int p = 0; p < position; p++) {
      boolean visible =
          mask.type() == MaskKind.Type.CAUSAL
              || (mask.type() == MaskKind.Type.SLIDING && position - p < mask.window())
              || (mask.type() == MaskKind.Type.CHUNKED
                  && p / mask.window() == position / mask.window());
      if (visible && !own(s).containsKey(p)) {
        return false;
      }
    }
    return true;
  }

  private void compare() {
    int held = 0;
    for (int cell = 0; cell < CELLS; cell++) {
      for (long left = table.sequences(cell).bits(); left != 0; left &= left - 1) {
        int s = Long.numberOfTrailingZeros(left);
        Integer token = own(s).get(table.position(cell));
        if (token == null || token != tokenIn[cell]) {
          throw new AssertionError("sequence " + s + ", cell " + cell + ": expected " + token);
        }
        held++;
      }
    }
    assertEquals(naive.values().stream().mapToInt(Map::size).sum(), held);
    for (int s : SEQUENCES) {
      assertEquals(until[s], table.until(s));
    }
  }
}
