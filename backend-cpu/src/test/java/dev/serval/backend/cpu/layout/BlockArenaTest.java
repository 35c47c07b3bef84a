package dev.serval.backend.cpu.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BlockArenaTest {

  private record Placed(long offset, long size, int from, int until) {}

  @Test
  void blocksAliveTogetherNeverOverlap() {
    SplittableRandom random = new SplittableRandom(3);
    BlockArena arena = new BlockArena();
    List<Placed> all = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      int from = random.nextInt(100);
      int until = from + random.nextInt(20);
      long size = random.nextInt(5000);
      all.add(new Placed(arena.place(size, from, until), size, from, until));
    }
    for (int i = 0; i < all.size(); i++) {
      Placed a = all.get(i);
      assertEquals(0, a.offset % 64);
      assertTrue(a.offset + a.size <= arena.bytes());
      for (Placed b : all.subList(0, i)) {
        boolean together = a.from <= b.until && b.from <= a.until;
        boolean apart = a.offset + a.size <= b.offset || b.offset + b.size <= a.offset;
        assertTrue(!together || apart, a + " and " + b);
      }
    }
  }

  @Test
  void reusesMemoryOfDeadBlocks() {
    BlockArena arena = new BlockArena();
    arena.place(1000, 0, 1);
    arena.place(1000, 1, 2);
    arena.place(1000, 2, 3);
    assertEquals(2048, arena.bytes());
  }
}
