package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.Support;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Op;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.backend.cpu.CpuOptions;
import dev.serval.backend.cpu.kernel.KernelSet;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.backend.cpu.kernel.MatmulKernel;
import dev.serval.backend.cpu.kernel.PackedMatrix;
import dev.serval.backend.cpu.kernel.TileScratch;
import dev.serval.engine.Engine;
import dev.serval.models.gemma.GemmaArchitecture;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** The path that {@code docs/token-path.md} describes stays as short as it says. */
class TokenPathTest {

  private static final int MOST_CLASSES = 5;

  private final List<Set<String>> toSubmit = new CopyOnWriteArrayList<>();
  private final List<Set<String>> toKernel = new CopyOnWriteArrayList<>();

  @Test
  void passesFewClassesFromTheRunnerToTheProgramAndFromTheQueueToAKernel() throws Exception {
    KernelSet best = KernelSets.best().set();
    KernelSet probed =
        new KernelSet(
            best.name(),
            best.vectorBits(),
            new ProbeKernel(best.matmul()),
            best.rows(),
            best.attention());
    try (CpuBackend cpu = new CpuBackend(new CpuOptions(1, probed));
        Engine engine =
            new Engine(List.of(new ProbeBackend(cpu)), List.of(new GemmaArchitecture()));
        Model model = engine.load(LoadRequest.of(GoldenModel.path("gemma3-mini-Q8_0.gguf")))) {
      model
          .generate(
              GenerateRequest.of(new Prompt.Tokens(List.of(2, 300, 301))).withMaxTokens(2),
              TokenSink.NONE)
          .await();
    }
    check(toSubmit, "the runner's thread and Program.submit");
    check(toKernel, "the head of the device queue and a kernel");
  }

  private static void check(List<Set<String>> paths, String between) {
    assertFalse(paths.isEmpty(), "something was seen between " + between);
    for (Set<String> classes : paths) {
      assertTrue(classes.size() <= MOST_CLASSES, "between " + between + ": " + classes);
    }
  }

  /** Our classes on the calling thread's stack, without the test's and without {@code head}. */
  private static Set<String> classesOnStack(String head) {
    Set<String> names = new LinkedHashSet<>();
    StackWalker.getInstance()
        .forEach(f -> {
          String name = f.getClassName().replaceFirst("\\$.*", "");
          if (name.startsWith("dev.serval.") && !name.startsWith("dev.serval.it.")) {
            names.add(name);
          }
        });
    names.removeIf(n -> n.endsWith("." + head));
    return names;
  }

  private final class ProbeKernel implements MatmulKernel {
    private final MatmulKernel kernel;

    ProbeKernel(MatmulKernel kernel) {
      this.kernel = kernel;
    }

    @Override
    public long scratchBytes(DataType type, int in) {
      return kernel.scratchBytes(type, in);
    }

    @Override
    public void multiply(
        PackedMatrix w,
        MemorySegment x,
        long xOffset,
        int xStride,
        MemorySegment sums,
        long sumsOffset,
        int sumsStride,
        int rows,
        MemorySegment y,
        long yOffset,
        int yStride,
        int fromTile,
        int untilTile,
        MemorySegment scratch,
        TileScratch tiles) {
      toKernel.add(classesOnStack("DeviceQueue"));
      kernel.multiply(
          w,
          x,
          xOffset,
          xStride,
          sums,
          sumsOffset,
          sumsStride,
          rows,
          y,
          yOffset,
          yStride,
          fromTile,
          untilTile,
          scratch,
          tiles);
    }

    @Override
    public void round(
        MemorySegment x, long xOffset, int in, MemorySegment row, long at, MemorySegment scratch) {
      kernel.round(x, xOffset, in, row, at, scratch);
    }

    @Override
    public void multiplyRounded(
        PackedMatrix w,
        MemorySegment x,
        long xByte,
        int rows,
        MemorySegment y,
        long yOffset,
        int yStride,
        int fromTile,
        int untilTile,
        MemorySegment scratch,
        TileScratch tiles) {
      toKernel.add(classesOnStack("DeviceQueue"));
      kernel.multiplyRounded(
          w, x, xByte, rows, y, yOffset, yStride, fromTile, untilTile, scratch, tiles);
    }
  }

  private final class ProbeBackend implements Backend {
    private final Backend backend;

    ProbeBackend(Backend backend) {
      this.backend = backend;
    }

    @Override
    public String name() {
      return backend.name();
    }

    @Override
    public DeviceReport devices() {
      return backend.devices();
    }

    @Override
    public int score(Device device) {
      return backend.score(device);
    }

    @Override
    public Support supports(Op op, DataType kvType, Device device) {
      return backend.supports(op, kvType, device);
    }

    @Override
    public MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile) {
      return backend.plan(graph, spec, profile);
    }

    @Override
    public Placement place(Weights weights, Graph graph, CompileSpec spec, Device device) {
      return backend.place(weights, graph, spec, device);
    }

    @Override
    public Program compile(Graph graph, Placement placement, CompileSpec spec) {
      return new ProbeProgram(backend.compile(graph, placement, spec));
    }
  }

  private final class ProbeProgram implements Program {
    private final Program program;

    ProbeProgram(Program program) {
      this.program = program;
    }

    @Override
    public String numericsId() {
      return program.numericsId();
    }

    @Override
    public Device device() {
      return program.device();
    }

    @Override
    public MemoryUse use() {
      return program.use();
    }

    @Override
    public Step newStep() {
      return program.newStep();
    }

    @Override
    public void submit(Step step) {
      toSubmit.add(Collections.unmodifiableSet(classesOnStack("Scheduler")));
      program.submit(step);
    }

    @Override
    public Outcome await(Step step, long deadlineNanos) {
      return program.await(step, deadlineNanos);
    }

    @Override
    public void interrupt() {
      program.interrupt();
    }

    @Override
    public KvStorage kv() {
      return program.kv();
    }

    @Override
    public void close() {
      program.close();
    }
  }
}
