package dev.serval.tck;

import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.TestModel;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * Steps with numbers that no host may write, submitted without any check. Whatever a backend makes
 * of them, it touches no memory but its own, and ends with an outcome or an exception. A concrete
 * subclass supplies a backend.
 */
public abstract class HostileStepContract extends BackendContract {

  private static final int[] NUMBERS = {-1, Integer.MIN_VALUE, 1 << 20, Integer.MAX_VALUE};

  /** Of visible intervals: a longer one only takes longer, until the step's deadline. */
  private static final int[] ENDS = {-1, -4000, 4000};

  private static final int[] TEXT = {3, 14, 15, 92, 65};
  private static final long SEED = 11;

  private final TestModel model = TestModel.gemma3(DataType.Q8_0, SEED);

  /** For subclasses. */
  protected HostileStepContract() {}

  /** Where a step's numbers lie, by what they are. */
  private static Map<String, Long> places(StepLayout layout) {
    Map<String, Long> places = new TreeMap<>();
    places.put("token", layout.tokensOffset());
    places.put("position", layout.positionsOffset());
    places.put("sequence", layout.sequencesOffset());
    places.put("wanted", layout.wantedOffset());
    for (int group = 0; group < layout.graph().groups().size(); group++) {
      places.put("cell " + group, layout.cellsOffset(group));
      places.put("from " + group, layout.fromOffset(group));
      places.put("until " + group, layout.untilOffset(group));
    }
    return places;
  }

  /** Each kind of number of a step, replaced by several that are out of all bounds. */
  @Test
  public void numbersOutOfBoundsEndTheStepAndTouchNothing() {
    for (String what : placesOfModel()) {
      boolean interval = what.startsWith("from") || what.startsWith("until");
      for (int number : interval ? ENDS : NUMBERS) {
        submit(what, number);
      }
    }
  }

  private List<String> placesOfModel() {
    try (ModelSession s = new ModelSession(backend(), model)) {
      return List.copyOf(places(s.chain().last().layout()).keySet());
    }
  }

  private void submit(String what, int number) {
    try (ModelSession s = new ModelSession(backend(), model)) {
      s.runner().add(0, TEXT).run();
      Step step = s.chain().last();
      long at = places(step.layout()).getOrDefault(what, 0L);
      String message = what + " " + number;
      try {
        step.memory().set(ValueLayout.JAVA_INT, at, number);
        s.chain().program().submit(step);
        Outcome outcome = s.chain().program().await(step, System.nanoTime() + 10_000_000_000L);
        Assertions.assertNotNull(outcome, message);
      } catch (IllegalArgumentException | IllegalStateException | IndexOutOfBoundsException e) {
        Assertions.assertNotNull(e.getMessage(), message);
      }
      s.memory().pool().checkGuards();
    }
  }
}
