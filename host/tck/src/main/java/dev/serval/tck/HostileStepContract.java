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
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * Steps with numbers that no host may write, submitted without any check. Whatever a backend makes
 * of them, it touches no memory but its own, and soon ends with an outcome or an exception. A
 * concrete subclass supplies a backend.
 */
public abstract class HostileStepContract extends BackendContract {

  private static final int[] NUMBERS = {-1, Integer.MIN_VALUE, 1 << 20, Integer.MAX_VALUE};

  /** How long a step may take, whatever it says; the model's own take less than a millisecond. */
  private static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(30);

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
      for (int number : NUMBERS) {
        submit(0, Map.of(what, number));
      }
    }
  }

  /** Intervals that are short, but far from all others, or at the end of all numbers. */
  @Test
  public void intervalsOutOfBoundsEndTheStepAndTouchNothing() {
    int last = Integer.MAX_VALUE;
    for (int[] interval : new int[][] {{last - 3, last}, {1 << 30, (1 << 30) + 3}, {-9, 4000}}) {
      for (int row : new int[] {0, TEXT.length - 1}) {
        submit(row, Map.of("from 0", interval[0], "until 0", interval[1]));
        submit(row, Map.of("from 1", interval[0], "until 1", interval[1]));
      }
    }
  }

  private List<String> placesOfModel() {
    try (ModelSession s = new ModelSession(backend(), model)) {
      return List.copyOf(places(s.chain().last().layout()).keySet());
    }
  }

  /** Submits a step with other numbers for one of its rows. */
  private void submit(int row, Map<String, Integer> numbers) {
    try (ModelSession s = new ModelSession(backend(), model)) {
      s.runner().add(0, TEXT).run();
      Step step = s.chain().last();
      String message = "row " + row + ": " + numbers;
      Map<String, Long> places = places(step.layout());
      try {
        numbers.forEach((what, number) -> {
          long at = places.getOrDefault(what, 0L) + 4L * row;
          step.memory().set(ValueLayout.JAVA_INT, at, number);
        });
        s.chain().program().submit(step);
        long deadline = System.nanoTime() + DEADLINE_NANOS;
        Outcome outcome = s.chain().program().await(step, deadline);
        Assertions.assertNotNull(outcome, message);
        Assertions.assertTrue(System.nanoTime() < deadline, message + " takes for ever");
      } catch (IllegalArgumentException | IllegalStateException | IndexOutOfBoundsException e) {
        Assertions.assertNotNull(e.getMessage(), message);
      }
      s.memory().pool().checkGuards();
    }
  }
}
