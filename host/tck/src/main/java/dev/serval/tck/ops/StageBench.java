package dev.serval.tck.ops;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Value;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.tensor.Weights;
import dev.serval.tck.ops.OpCase.Inputs;
import dev.serval.tck.run.Chain;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Runs a stage on chosen numbers. Every second token is wanted. Checks that nothing outside the
 * rows of inputs and outputs changes in the step. Confined to one thread.
 */
public final class StageBench implements AutoCloseable {

  private static final byte SENTINEL = (byte) 0xA5;

  private final Chain chain;
  private final Graph stage;

  /** Places and compiles a stage. */
  public StageBench(
      Backend backend, Device device, Weights weights, Graph stage, CompileSpec spec) {
    this.chain = Chain.of(backend, device, weights, stage, spec);
    this.stage = stage;
  }

  /** Seeded numbers for each input of a stage, {@code rows} rows each. */
  public static List<float[]> numbers(Graph stage, int rows, Inputs inputs, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<float[]> all = new ArrayList<>();
    for (Value v : stage.boundaryInputs()) {
      float[] x = new float[rows * v.type().width()];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) (inputs.low() + (inputs.high() - inputs.low()) * random.nextDouble());
      }
      all.add(x);
    }
    return all;
  }

  /**
   * Runs a step.
   *
   * @param rows tokens
   * @param inputs which positions and sequences they have
   * @param numbers one array per input of the stage, with {@code rows} rows or more
   * @return one array per output of the stage, exactly its rows
   */
  public List<float[]> run(int rows, Inputs inputs, List<float[]> numbers) {
    Step step = chain.last();
    step.memory().fill(SENTINEL);
    byte[][] before = new byte[1][];
    chain.run(s -> {
      fill(s, rows, inputs, numbers);
      before[0] = s.memory().toArray(ValueLayout.JAVA_BYTE);
    });
    List<float[]> outputs = new ArrayList<>();
    byte[] after = step.memory().toArray(ValueLayout.JAVA_BYTE);
    for (int i = 0; i < numbers.size(); i++) {
      forgive(
          step.layout().boundaryInputOffset(i), stage.boundaryInputs().get(i), before[0], after);
    }
    for (int i = 0; i < stage.boundaryOutputs().size(); i++) {
      Value v = stage.boundaryOutputs().get(i);
      forgive(step.layout().boundaryOutputOffset(i), v, before[0], after);
      long bytes = 4L * rows(v) * v.type().width();
      outputs.add(step.boundaryOutput(i).asSlice(0, bytes).toArray(ValueLayout.JAVA_FLOAT));
    }
    int stray = Arrays.mismatch(before[0], after);
    if (stray >= 0) {
      throw new AssertionError("stray write at byte " + stray + " of the step");
    }
    return outputs;
  }

  private static void fill(Step step, int rows, Inputs inputs, List<float[]> numbers) {
    Graph stage = step.layout().graph();
    int sequences = Math.min(rows, inputs.sequences());
    int position = 0;
    for (int row = 0; row < rows; row++) {
      int sequence = (int) ((long) row * sequences / rows);
      boolean first = row == 0 || step.sequence(row - 1) != sequence;
      position = first ? inputs.firstPosition() : position + 1;
      step.token(0, position, sequence);
      for (KvGroup g : stage.groups()) {
        int until = g.mask().visibleUntil(position, position + 1);
        step.visible(g.index(), row, row, g.mask().visibleFrom(position), until);
      }
      if (row % 2 == 0) {
        step.want(row, Output.full());
      }
    }
    for (int i = 0; i < numbers.size(); i++) {
      int n = rows * stage.boundaryInputs().get(i).type().width();
      MemorySegment.copy(numbers.get(i), 0, step.boundaryInput(i), ValueLayout.JAVA_FLOAT, 0, n);
    }
  }

  private int rows(Value v) {
    Dim first = v.type().first();
    Step step = chain.last();
    return switch (first.kind()) {
      case FIXED -> first.size();
      case TOKENS -> step.tokens();
      case WANTED -> step.wanted();
      case SEQUENCES -> step.runs();
    };
  }

  /** Makes the rows of a value equal in both pictures. */
  private void forgive(long offset, Value v, byte[] before, byte[] after) {
    int bytes = 4 * rows(v) * v.type().width();
    System.arraycopy(before, (int) offset, after, (int) offset, bytes);
  }

  @Override
  public void close() {
    chain.close();
  }
}
