package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FreeCellsTest {

  /** Around the sizes at which a word and a level is added. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262_144, 262_145})
  void everyCellIsTakenOnceInOrder(int cells) {
    FreeCells free = new FreeCells(cells);
    for (int cell = 0; cell < cells; cell++) {
      assertEquals(cells - cell, free.count());
      assertEquals(cell, free.take());
      assertFalse(free.contains(cell));
    }
    assertEquals(0, free.count());
    free.put(cells - 1);
    assertEquals(cells - 1, free.take());
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 130, 5000})
  void lowestIsAlwaysTakenFirst(int cells) {
    long seed = Long.getLong("serval.test.seed", 20261120);
    Random random = new Random(seed);
    FreeCells free = new FreeCells(cells);
    TreeSet<Integer> model = new TreeSet<>();
    for (int cell = 0; cell < cells; cell++) {
      model.add(cell);
    }
    for (int i = 0; i < 20_000; i++) {
      int cell = random.nextInt(cells);
      assertEquals(model.contains(cell), free.contains(cell), "seed " + seed);
      if (random.nextBoolean() && !model.contains(cell)) {
        free.put(cell);
        model.add(cell);
      } else if (!model.isEmpty()) {
        assertEquals(model.pollFirst(), free.take(), "seed " + seed);
      }
      assertEquals(model.size(), free.count());
    }
  }
}
