package dev.serval.api.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.tensor.DataType;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KvFormatTest {

  private static final KvSlot CAUSAL =
      new KvSlot(0, 2, 64, 64, MaskKind.CAUSAL, Optional.of(RopeSpec.neox(64, 10000, 1)));
  private static final KvSlot SLIDING =
      new KvSlot(1, 2, 64, 32, MaskKind.sliding(16), Optional.empty());
  private static final KvFormat FORMAT = format("ab12", DataType.F16, CAUSAL, SLIDING);

  private static KvFormat format(String digest, DataType type, KvSlot... slots) {
    return new KvFormat(KvFormat.VERSION, digest, type, List.of(slots));
  }

  private static void requireRefused(KvFormat source, String reason) {
    List<String> problems = FORMAT.problems(source);
    assertEquals(1, problems.size(), problems::toString);
    assertTrue(problems.getFirst().contains(reason), problems::toString);
  }

  @Test
  void acceptsRowsOfTheSameFormat() {
    assertEquals(List.of(), FORMAT.problems(format("ab12", DataType.F16, CAUSAL, SLIDING)));
  }

  @Test
  void refusesRowsOfAnotherVersion() {
    requireRefused(
        new KvFormat(KvFormat.VERSION + 1, "ab12", DataType.F16, FORMAT.slots()),
        "version: expected 1, got 2");
  }

  @Test
  void refusesRowsOfAnotherGraph() {
    requireRefused(format("cd34", DataType.F16, CAUSAL, SLIDING), "graph: expected ab12, got cd34");
  }

  @Test
  void refusesRowsOfAnotherType() {
    requireRefused(format("ab12", DataType.F32, CAUSAL, SLIDING), "type: expected F16, got F32");
  }

  @Test
  void refusesRowsOfAnotherNumberOfSlots() {
    requireRefused(format("ab12", DataType.F16, CAUSAL), "number of slots: expected 2, got 1");
  }

  @Test
  void refusesRowsOfSlotsOfAnotherShape() {
    for (KvSlot other :
        List.of(
            new KvSlot(1, 1, 64, 32, MaskKind.sliding(16), Optional.empty()),
            new KvSlot(1, 2, 32, 32, MaskKind.sliding(16), Optional.empty()),
            new KvSlot(1, 2, 64, 64, MaskKind.sliding(16), Optional.empty()),
            new KvSlot(1, 2, 64, 32, MaskKind.sliding(17), Optional.empty()))) {
      requireRefused(format("ab12", DataType.F16, CAUSAL, other), "slot 1 of 2");
    }
  }

  @Test
  void saysEverythingThatDiffers() {
    assertEquals(3, FORMAT.problems(format("cd34", DataType.F32, SLIDING, SLIDING)).size());
  }

  @Test
  void countsTheBytesOfARow() {
    assertEquals(2 * 2 * 128, FORMAT.rowBytes(CAUSAL));
    assertEquals(2 * (128 + 64), FORMAT.rowBytes(SLIDING));
  }
}
