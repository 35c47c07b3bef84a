package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SequenceNumbersTest {

  @Test
  void sixtyFourSequencesFitAndTheNextIsRefused() {
    SequenceNumbers numbers = new SequenceNumbers(64);
    for (int i = 0; i < 64; i++) {
      assertTrue(numbers.isAnyLeft());
      assertEquals(i, numbers.take());
    }
    assertFalse(numbers.isAnyLeft());
    SequenceLimitException e = assertThrows(SequenceLimitException.class, numbers::take);
    assertEquals("all 64 sequences, running and cached, are in use", e.getMessage());
    assertEquals(64, e.limit());
    numbers.release(17);
    assertEquals(17, numbers.take());
    assertEquals(64, numbers.inUse().size());
  }

  @Test
  void moreThanALongHoldsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new SequenceNumbers(65));
    assertThrows(IllegalArgumentException.class, () -> new SequenceNumbers(0));
  }

  @Test
  void numberIsGivenBackOnce() {
    SequenceNumbers numbers = new SequenceNumbers(2);
    int number = numbers.take();
    numbers.release(number);
    assertThrows(IllegalStateException.class, () -> numbers.release(number));
    assertThrows(IllegalStateException.class, () -> numbers.release(1));
  }
}
