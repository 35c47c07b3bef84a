package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.tck.far.FarBackend;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.memory.TestPool;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a plan says is what is leased, part by part: weights, cache, activations and staging, each
 * counted by the pool and not by the program that is asked.
 */
class PlanTest {

  private static final CpuBackend CPU = new CpuBackend();
  private static final FarBackend FAR = new FarBackend(CPU);
  private static final List<Backend> BACKENDS = List.of(new ReferenceBackend(), CPU, FAR);

  @AfterAll
  static void stop() {
    FAR.close();
    CPU.close();
  }

  @ParameterizedTest
  @CsvSource({
    // model, cells, sequences, tokens per step, cache
    "gemma3-mini-F32, 64, 1, 16, F32",
    "gemma3-mini-F32, 2048, 4, 128, F16",
    "gemma3-mini-F32, 4000, 64, 1, F16",
    "gemma3-mini-F16, 512, 2, 64, F32",
    "gemma3-mini-F16, 1000, 1, 33, F16",
    "gemma3-mini-Q8_0, 64, 1, 16, F16",
    "gemma3-mini-Q8_0, 2048, 4, 256, F32",
    "gemma3-mini-Q8_0, 4096, 16, 64, F16",
    "gemma3-mini-Q4_0, 128, 3, 7, F32",
    "gemma3-mini-Q4_0, 1024, 8, 100, F16",
    "gemma3-k256-BF16, 256, 1, 32, F32",
    "gemma3-k256-BF16, 3000, 2, 17, F16",
    "gemma3-k256-Q2_K, 64, 1, 300, F16",
    "gemma3-k256-Q3_K_M, 512, 2, 16, F32",
    "gemma3-k256-Q4_K_M, 1024, 4, 128, F16",
    "gemma3-k256-Q5_K_M, 256, 1, 64, F16",
    "gemma3-k256-Q6_K, 2048, 8, 32, F32",
    "gemma3-k256-IQ4_NL, 128, 1, 8, F16",
    "gemma3-k256-Q4_1, 300, 3, 96, F16",
    "gemma3-k256-Q5_0, 64, 1, 16, F32",
    "gemma3-k256-Q5_1, 640, 5, 200, F16",
    "test gemma3 Q4_0, 500, 5, 50, F16",
    "test gpt-oss MXFP4, 64, 1, 8, F32",
    "test gpt-oss F16, 2000, 7, 200, F16",
    "test gemma3n Q8_0, 300, 2, 24, F32",
    "test gemma3n Q8_0, 1500, 9, 96, F16",
    "test gemma4 Q4_0, 700, 3, 40, F16",
    "test gemma4 BF16, 50, 2, 5, F32",
    "gemma-embedding-mini-F32, 1, 1, 512, F32",
    "gemma-embedding-mini-F32, 1, 64, 300, F16",
    "gemma-embedding-mini-Q8_0, 1, 64, 512, F16",
    "gemma-embedding-mini-Q8_0, 1, 3, 7, F32",
    "test encoder F32, 1, 6, 300, F32"
  })
  void everyPartOfThePlanIsWhatIsLeased(
      String model, int cells, int sequences, int tokens, DataType kvType) {
    if (model.startsWith("test ")) {
      String[] words = model.split(" ");
      TestModel m = synthetic(words[1], DataType.valueOf(words[2]));
      BACKENDS.forEach(b -> check(b, m.graph(), m.weights(), cells, sequences, tokens, kvType));
      return;
    }
    try (GoldenModel m = GoldenModel.open(model)) {
      Graph graph = m.gemmaGraph();
      BACKENDS.forEach(b -> check(b, graph, m.weights(), cells, sequences, tokens, kvType));
    }
  }

  @Test
  void stagesCountTheValuesThatCrossTheirCuts() {
    try (GoldenModel m = GoldenModel.open("gemma3-mini-Q8_0")) {
      Graph graph = m.gemmaGraph();
      for (Graph stage : graph.cut(List.of(Mark.layer(1), Mark.OUTPUT))) {
        BACKENDS.forEach(b -> check(b, stage, m.weights(), 1024, 2, 512, DataType.F16));
      }
    }
  }

  private static TestModel synthetic(String name, DataType type) {
    return switch (name) {
      case "gemma3" -> TestModel.gemma3(type, 2);
      case "gpt-oss" -> TestModel.gptOss(type, 2);
      case "gemma3n" -> TestModel.gemma3n(type, 2);
      case "gemma4" -> TestModel.gemma4(type, 2);
      case "encoder" -> TestModel.encoder(type, 2);
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static void check(
      Backend backend,
      Graph graph,
      Weights weights,
      int cells,
      int sequences,
      int tokens,
      DataType kvType) {
    Device device = backend.devices().devices().getFirst();
    assertEquals(
        graph.weights().stream().map(TensorView::source).collect(Collectors.toSet()),
        backend.weightUse(graph).all(),
        backend.name() + " accounts for every weight");
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(graph, tokens, sequences, cells).withKvType(kvType);
      MemoryUse plan = backend.plan(graph, spec, device.profile());
      try (Placement placement = backend.place(weights, graph, spec, device)) {
        MemoryUse placed = new MemoryUse(plan.weightsBytes(), 0, 0, 0);
        assertEquals(placed, leased(memory.pool()), backend.name() + " after placing");
        try (Program program = backend.compile(graph, placement, spec);
            Step step = program.newStep()) {
          assertEquals(plan, leased(memory.pool()), backend.name());
          assertEquals(plan, program.use(), backend.name() + " by its own account");
          assertEquals(plan.totalBytes(), memory.pool().metrics().leasedBytes(), "in all");
          assertEquals(plan.totalBytes(), memory.budget().reservedBytes(), "reserved");
          assertEquals(0, step.tokens());
        }
        assertEquals(placed, leased(memory.pool()), backend.name() + " after closing");
      }
      if (graph.boundaryInputs().isEmpty()) {
        try (Chain chain = Chain.of(backend, device, weights, graph, spec)) {
          new SequenceRunner(chain, graph, spec.limits()).add(0, 5).run();
          assertEquals(plan, leased(memory.pool()), backend.name() + " after a step");
        }
      }
    }
  }

  /** What the pool says, by what the leases are for. */
  private static MemoryUse leased(TestPool pool) {
    return new MemoryUse(
        pool.leasedBytes("weights"),
        pool.leasedBytes("kv"),
        pool.leasedBytes("activations"),
        pool.leasedBytes("step") + pool.leasedBytes("staging"));
  }
}
