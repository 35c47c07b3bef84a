package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.backend.Device;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.ops.OpCase;
import dev.serval.tck.ops.OpCases;
import dev.serval.tck.ops.ProjectionCases;
import dev.serval.tck.ops.StageBench;
import dev.serval.tck.reference.ReferenceBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every op, alone in a graph, against the reference backend: 1 to 17 and 33 rows, widths round the
 * edges of vectors and blocks, each weight type, both modes. The bound stands beside each case.
 *
 * <p>A refused op passes only if the backend's checked-in support table ({@link
 * SupportTableContract}) says that it is refused, and then the refusal must be a {@link
 * ModelRefusedException}.
 */
public abstract class OpContract extends BackendContract {

  private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 33};
  private static final long SEED = 7;

  /** For subclasses. */
  protected OpContract() {}

  /** Ops on values. */
  @TestFactory
  public Stream<DynamicTest> opsOnValuesAgreeWithTheReference() {
    return tests(OpCases.all(), Mode.DEFAULT);
  }

  /** Rows, matrices and experts of each weight type, activations exact. */
  @TestFactory
  public Stream<DynamicTest> projectionsAgreeWithTheReferenceInExactMode() {
    return projections(Mode.EXACT);
  }

  /** Rows, matrices and experts of each weight type, activations perhaps rounded. */
  @TestFactory
  public Stream<DynamicTest> projectionsAgreeWithTheReferenceInDefaultMode() {
    return projections(Mode.DEFAULT);
  }

  private Stream<DynamicTest> projections(Mode mode) {
    List<OpCase> cases = new ArrayList<>(ProjectionCases.batches());
    for (DataType type : ProjectionCases.types()) {
      cases.addAll(ProjectionCases.matrices(type, mode));
    }
    return tests(cases, mode);
  }

  /** Rotary embedding. */
  @TestFactory
  public Stream<DynamicTest> ropeAgreesWithTheReference() {
    return tests(ProjectionCases.ropes(), Mode.DEFAULT);
  }

  /** Composites, computed or lowered. */
  @TestFactory
  public Stream<DynamicTest> compositesAgreeWithTheReference() {
    return Stream.of(Mode.EXACT, Mode.DEFAULT)
        .flatMap(m -> tests(ProjectionCases.composites(m), m));
  }

  private Stream<DynamicTest> tests(List<OpCase> cases, Mode mode) {
    return chosen(cases).map(c -> DynamicTest.dynamicTest(c.name(), () -> compare(c, mode)));
  }

  private void compare(OpCase c, Mode mode) {
    if (SupportTable.checkedIn(getClass(), backend().name()).isRefused(c.support())) {
      Assertions.assertThrows(
          ModelRefusedException.class, () -> run(backend(), device(), c, mode), c.name());
      return;
    }
    Backend reference = new ReferenceBackend();
    List<List<float[]>> want = run(reference, reference.devices().devices().getFirst(), c, mode);
    List<List<float[]>> got = run(backend(), device(), c, mode);
    for (int i = 0; i < want.size(); i++) {
      for (int output = 0; output < want.get(i).size(); output++) {
        String what = c.name() + ", " + ROWS[i] + " rows, output " + output;
        c.bound().check(what, want.get(i).get(output), got.get(i).get(output));
      }
    }
  }

  /** The outputs for each number of rows. */
  private static List<List<float[]>> run(Backend backend, Device device, OpCase c, Mode mode) {
    int most = ROWS[ROWS.length - 1];
    List<float[]> numbers = StageBench.numbers(c.stage(), most, c.inputs(), SEED);
    List<List<float[]>> results = new ArrayList<>();
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec =
          memory.spec(c.stage(), most, Math.min(most, c.inputs().sequences()), most).withMode(mode);
      try (StageBench bench = new StageBench(backend, device, c.weights(), c.stage(), spec)) {
        for (int rows : ROWS) {
          results.add(bench.run(rows, c.inputs(), numbers));
        }
      }
    }
    return results;
  }
}
