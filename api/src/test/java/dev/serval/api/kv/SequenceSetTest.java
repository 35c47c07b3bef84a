package dev.serval.api.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SequenceSetTest {

  @Test
  void agreesWithABitSet() {
    long seed = Long.getLong("serval.test.seed", 20261120);
    Random random = new Random(seed);
    SequenceSet set = SequenceSet.EMPTY;
    BitSet model = new BitSet();
    for (int i = 0; i < 20_000; i++) {
      int s = random.nextInt(SequenceSet.MAX_SEQUENCES);
      boolean add = random.nextBoolean();
      set = add ? set.with(s) : set.without(s);
      model.set(s, add);
      int other = random.nextInt(SequenceSet.MAX_SEQUENCES);
      assertEquals(model.get(other), set.contains(other), "seed " + seed);
      assertEquals(model.cardinality(), set.size(), "seed " + seed);
      assertEquals(model.isEmpty(), set.isEmpty(), "seed " + seed);
      BitSet rest = (BitSet) model.clone();
      rest.clear(other);
      assertEquals(rest.isEmpty(), set.without(other).isEmpty(), "seed " + seed);
    }
  }

  @Test
  void numbersOutsideOfALongAreRefused() {
    for (int s : new int[] {-1, 64, Integer.MAX_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> SequenceSet.of(s));
      assertThrows(IllegalArgumentException.class, () -> SequenceSet.EMPTY.with(s));
      assertThrows(IllegalArgumentException.class, () -> SequenceSet.EMPTY.without(s));
      assertThrows(IllegalArgumentException.class, () -> SequenceSet.EMPTY.contains(s));
    }
  }
}
