package dev.serval.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.graph.Graph;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.ops.OpCase;
import dev.serval.tck.ops.OpCase.Inputs;
import dev.serval.tck.ops.StageBench;
import dev.serval.tck.weights.Quantizers;
import dev.serval.tck.weights.TestWeights;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Products that read one value in several forms, as it is, with sums of 16 or of 32 and rounded, do
 * not disturb each other.
 */
class RowFormsTest {

  private static final long SEED = 20260103;
  private static final int IN = 256;
  private static final int OUT = 40;

  @ParameterizedTest
  @EnumSource
  void productsOfOneValueAreWhatTheyAreAlone(Mode mode) {
    TestWeights weights = new TestWeights(SEED);
    Map<DataType, TensorView> matrices = new EnumMap<>(DataType.class);
    for (DataType type : Quantizers.types()) {
      matrices.put(type, weights.random("w." + type, type, IN, OUT));
    }
    List<TensorView> all = new ArrayList<>(matrices.values());
    all.addAll(matrices.values());
    try (CpuBackend backend = new CpuBackend(new CpuOptions(2, KernelSets.best().set()))) {
      for (int rows : new int[] {1, 33}) {
        List<float[]> together = products(backend, weights, all, mode, rows);
        for (int i = 0; i < all.size(); i++) {
          float[] alone = products(backend, weights, List.of(all.get(i)), mode, rows).getFirst();
          assertArrayEquals(alone, together.get(i), all.get(i) + " of " + rows + " rows");
        }
      }
    }
  }

  private static List<float[]> products(
      CpuBackend backend, TestWeights weights, List<TensorView> matrices, Mode mode, int rows) {
    Graph stage =
        OpCase.stage(
            List.of(new int[] {IN}),
            (g, x) -> matrices.stream().map(w -> g.matmul(w, x.getFirst())).toList());
    List<float[]> numbers = StageBench.numbers(stage, rows, Inputs.PLAIN, SEED);
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(stage, rows, 1, rows).withMode(mode);
      var device = backend.devices().devices().getFirst();
      try (StageBench bench = new StageBench(backend, device, weights, stage, spec)) {
        return bench.run(rows, Inputs.PLAIN, numbers);
      }
    }
  }
}
