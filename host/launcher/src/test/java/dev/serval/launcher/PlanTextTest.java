package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.MemoryPlan;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class PlanTextTest {

  private static final MemoryPlan.Row ROW =
      new MemoryPlan.Row(
          new DeviceMemory("gpu", new MemoryUse(10L << 30, 3 << 20, 2048, 5), 479_199_232, 0),
          "cpu",
          List.of("embed..layer 3", "output"));

  private static MemoryPlan plan(Optional<MemoryPlan.Shortfall> shortfall) {
    return new MemoryPlan(
        "a \"b\"", "gemma3", 512, 2, 5, List.of(ROW), shortfall, List.of("mind the gap"));
  }

  @Test
  void tableHasARowForEachDevice() {
    assertEquals(
        List.of(
            "a \"b\" (gemma3), 5 layers with the output, context 512, 2 at once",
            "device          weights           kv  activations      staging      reserve"
                + "         free  stages",
            "gpu           10.00 GiB     3.00 MiB     2.00 KiB          5 B   457.00 MiB"
                + "          0 B  embed..layer 3, output",
            "note: mind the gap",
            "does not fit: 1.00 KiB (1024 bytes) are missing; the largest context that fits is"
                + " 100"),
        PlanText.table(plan(Optional.of(new MemoryPlan.Shortfall(1024, OptionalInt.of(100)))))
            .lines()
            .toList());
  }

  @Test
  void saysWhenNoContextFits() {
    String text =
        PlanText.table(plan(Optional.of(new MemoryPlan.Shortfall(1, OptionalInt.empty()))));
    assertEquals(
        "does not fit: 1 B (1 bytes) are missing; no context fits",
        text.lines().toList().getLast());
  }

  @Test
  void jsonHasExactBytes() {
    assertEquals(
        """
        {"name": "a \\"b\\"", "architecture": "gemma3", "layers": 5, "context": 512, "parallel": 2,
         "devices": [{"device": "gpu", "backend": "cpu", "weights": 10737418240, "kv": 3145728, \
        "activations": 2048, "staging": 5, "reserve": 479199232, "free": 0, \
        "stages": ["embed..layer 3", "output"]}],
         "fits": true, "missing": 0, "largest_context": null,
         "notes": ["mind the gap"]}
        """,
        PlanText.json(plan(Optional.empty())));
  }
}
