package dev.serval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.error.BackendLostException;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.ServalException;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.MemoryPlan;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.PlanRequest;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.tensor.DataType;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufWriter;
import dev.serval.engine.gguf.GoldenFile;
import dev.serval.engine.memory.DeviceBudgets;
import dev.serval.engine.memory.OpenLease;
import dev.serval.engine.recall.LetterTokenizer;
import dev.serval.engine.recall.RecallArchitecture;
import dev.serval.engine.recall.RecallBackend;
import dev.serval.engine.recall.RecallProgram;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Loading, and backends and architectures that come and go. */
@Timeout(30)
class EngineTest {

  private static final String LIMIT = DeviceBudgets.LIMIT_PROPERTY + "recall-device";

  @TempDir Path folder;

  private final RecallBackend backend = new RecallBackend("recall", 10);
  private final RecallArchitecture architecture = new RecallArchitecture();
  private final Engine engine = new Engine(List.of(backend), List.of(architecture));
  private Path file = Path.of("recall.gguf");

  @BeforeEach
  void writeFile() throws IOException {
    file = RecallArchitecture.write(folder);
  }

  @AfterEach
  void closeEngine() {
    System.clearProperty(LIMIT);
    engine.close();
    assertEquals(List.of(), engine.leases());
  }

  @Test
  void saysWhatWasLoadedAndHow() {
    Model model = engine.load(LoadRequest.of(file).withContextLength(32));
    ModelInfo info = model.info();
    assertEquals("Total Recall", info.name());
    assertEquals("recall", info.architecture());
    assertEquals(4L * LetterTokenizer.VOCAB, info.parameters());
    assertEquals(16L * LetterTokenizer.VOCAB, info.fileBytes());
    assertEquals(LetterTokenizer.VOCAB, info.vocabSize());
    assertEquals(RecallArchitecture.TRAINED_CONTEXT, info.trainedContext());
    assertEquals(32, info.contextLength());
    assertEquals("recall", info.backend());
    assertEquals("a device of recall", info.device());
    assertTrue(info.memory().totalBytes() > 0);
    assertTrue(info.loadNanos() > 0);
    assertEquals(List.of("weights were looked at"), info.notes());
  }

  @Test
  void generatesWhatTheProgramComputes() throws InterruptedException {
    Model model = engine.load(LoadRequest.of(file).withChunkTokens(4));
    assertEquals(expected("hello", 20), generate(model, Prompt.text("hello"), 20));
    assertEquals(expected("world", 20), generate(model, Prompt.chat("world"), 20));
  }

  @Test
  void contextIsTheTrainedOneAtMostAndSaysSo() {
    ModelInfo clamped = engine.load(LoadRequest.of(file).withContextLength(1000)).info();
    assertEquals(48, clamped.contextLength());
    assertTrue(clamped.notes().contains("context 48: 1000 asked for, 48 trained"));
    ModelInfo defaulted = engine.load(LoadRequest.of(file)).info();
    assertEquals(48, defaulted.contextLength());
    assertEquals(1, defaulted.notes().size());
  }

  @Test
  void unknownArchitectureNamesTheFilesAndTheInstalledOnes() throws IOException {
    Path other =
        new GgufWriter().text("general.architecture", "other").write(folder.resolve("other.gguf"));
    ModelRefusedException e = refusal(LoadRequest.of(other));
    assertEquals(Reason.ARCHITECTURE_UNKNOWN, e.reason());
    assertEquals(
        "other.gguf: architecture other; installed: recall (recall refuses: expected recall, got"
            + " other)",
        e.getMessage());
  }

  @Test
  void modelWithoutABackendListsEveryReason() {
    backend.refusal = "it is tired";
    ModelRefusedException e = refusal(LoadRequest.of(file));
    assertEquals(Reason.NO_BACKEND, e.reason());
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("recall on recall-device: it is tired"), message);
    assertTrue(message.contains("second device: there is only one"), message);
    assertTrue(
        String.valueOf(refusal(LoadRequest.of(file).onBackend("cuda")).getMessage())
            .contains("cuda is not installed; installed: [recall]"));
  }

  @Test
  void choosesTheHighestScoreUnlessOneIsNamed() {
    RecallBackend better = new RecallBackend("better", 20);
    RecallBackend worse = new RecallBackend("worse", 5);
    engine.addBackend(better);
    engine.addBackend(worse);
    assertEquals("better", engine.load(LoadRequest.of(file)).info().backend());
    assertEquals("worse", engine.load(LoadRequest.of(file).onBackend("worse")).info().backend());
    better.refusal = "it is tired";
    assertEquals("recall", engine.load(LoadRequest.of(file)).info().backend());
    assertTrue(engine.devices().keySet().containsAll(List.of("better", "recall", "worse")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "match",
        "normalise",
        "describe",
        "tokenizer",
        "chatFormat",
        "supports",
        "plan",
        "place",
        "compile",
        "newStep"
      })
  void failingStageLeavesNothingBehind(String stage) {
    architecture.failing = stage;
    backend.failing = stage;
    ModelRefusedException e = refusal(LoadRequest.of(file));
    assertTrue(String.valueOf(e.getMessage()).contains("told to fail in " + stage));
    assertEquals(List.of(), engine.leases());
    architecture.failing = null;
    backend.failing = null;
    engine.load(LoadRequest.of(file)).close();
    assertEquals(List.of(), engine.leases());
    long start = System.nanoTime();
    engine.removeBackend(backend);
    assertTrue(System.nanoTime() - start < 2_000_000_000L, "a lease of the backend was lost");
  }

  @Test
  void refusesALoadThatIsOneByteOverBudgetBeforeAnythingIsAllocated() {
    LoadRequest request = LoadRequest.of(file).withContextLength(32);
    long plan = engine.plan(PlanRequest.of(request)).use().totalBytes();
    System.setProperty(LIMIT, String.valueOf(plan - 1));
    try (Engine tight = new Engine(List.of(backend), List.of(architecture))) {
      OutOfBudgetException e = assertThrows(OutOfBudgetException.class, () -> tight.load(request));
      assertEquals(plan, e.requestedBytes());
      assertEquals(1, e.missingBytes());
      assertEquals(0, e.largestContext().orElseThrow()); // its plan is the same for every context
      assertEquals(0, tight.poolMetrics().misses() + tight.poolMetrics().oversize());
      assertEquals(List.of(), tight.memory());
    }
    System.setProperty(LIMIT, String.valueOf(plan));
    try (Engine enough = new Engine(List.of(backend), List.of(architecture))) {
      Model model = enough.load(request);
      assertEquals(model.info().planned(), model.info().memory());
      DeviceMemory memory = enough.memory().getFirst();
      assertEquals(new DeviceMemory("recall-device", model.info().memory(), 0, 0), memory);
      assertThrows(OutOfBudgetException.class, () -> enough.load(request));
      model.close();
      assertEquals(List.of(), enough.memory());
      enough.load(request);
    }
  }

  @Test
  void takesBackWhatABackendKeepsWhenItsModelEnds() {
    long plan = engine.plan(PlanRequest.of(LoadRequest.of(file))).use().totalBytes();
    System.setProperty(LIMIT, String.valueOf(plan));
    backend.leaking = true;
    try (Engine tight = new Engine(List.of(backend), List.of(architecture))) {
      Model model = tight.load(LoadRequest.of(file));
      OpenLease lease = tight.leases().getFirst();
      assertEquals("recall for Total Recall", lease.account());
      assertTrue(lease.origin().contains("RecallBackend.place"), lease.origin());
      model.close();
      assertEquals(List.of(), tight.leases());
      assertEquals(1, tight.leaks());
      tight.load(LoadRequest.of(file)); // the budget has it back, too
      tight.removeBackend(backend);
      assertEquals(List.of(), tight.leases());
      assertEquals(2, tight.leaks());
      assertEquals(0, tight.poolMetrics().leasedBytes());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"compile", "newStep"})
  void takesBackWhatABackendKeepsWhenALoadFails(String stage) {
    backend.leaking = true;
    backend.failing = stage;
    refusal(LoadRequest.of(file));
    assertEquals(List.of(), engine.leases());
    assertEquals(1, engine.leaks());
  }

  @Test
  void triesTheNextDeviceIfTheBestHasNoRoom() {
    RecallBackend better =
        new RecallBackend("better", 20) {
          @Override
          public MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile) {
            return super.plan(graph, spec, profile).plus(new MemoryUse(0, 1 << 20, 0, 0));
          }
        };
    engine.addBackend(better);
    System.setProperty(LIMIT, "1M");
    ModelInfo info = engine.load(LoadRequest.of(file)).info();
    assertEquals("recall", info.backend());
    assertTrue(
        info.notes().contains("better recall-device lacks 128.00 KiB"), info.notes().toString());
  }

  @Test
  void plansWithoutLoading() {
    PlanRequest request =
        new PlanRequest(
            LoadRequest.of(file),
            List.of(new PlanRequest.ImaginaryDevice("a", 500L << 20, false)),
            PlanRequest.Options.DEFAULT);
    MemoryPlan plan = engine.plan(request);
    assertEquals("Total Recall", plan.name());
    assertEquals(48, plan.contextLength());
    MemoryPlan.Row row = plan.rows().getFirst();
    assertEquals("a", row.memory().device());
    assertEquals(457L << 20, row.memory().reserveBytes());
    assertEquals((43L << 20) - plan.use().totalBytes(), row.memory().freeBytes());
    assertEquals("recall", row.backend());
    assertTrue(
        plan.notes()
            .contains("imaginary devices are planned as the recall recall-device that is here"));
    assertEquals(List.of(), engine.leases());
    backend.refusal = "it is tired";
    assertThrows(ModelRefusedException.class, () -> engine.plan(request));
  }

  @Test
  void refusesCacheTypesItDoesNotKnow() {
    LoadRequest request = LoadRequest.of(file).withKvType(DataType.Q6_K);
    assertThrows(RequestRejectedException.class, () -> engine.load(request));
  }

  @Test
  void withdrawnBackendEndsItsModels() {
    Model model = engine.load(LoadRequest.of(file));
    RecallProgram program = Objects.requireNonNull(backend.program);
    program.hold();
    Generation running = model.generate(request(Prompt.text("hello"), 5), TokenSink.NONE);
    engine.removeBackend(backend);
    assertTrue(program.isClosed());
    assertEquals(List.of(), engine.leases());
    BackendLostException e = assertThrows(BackendLostException.class, running::await);
    assertEquals("backend recall was withdrawn", e.getMessage());
    assertThrows(
        BackendLostException.class,
        () -> model.generate(request(Prompt.text("hello"), 5), TokenSink.NONE));
    assertThrows(ModelRefusedException.class, () -> engine.load(LoadRequest.of(file)));
  }

  @Test
  void modelGoesOnWithoutItsArchitecture() throws InterruptedException {
    Model model = engine.load(LoadRequest.of(file));
    engine.removeArchitecture(architecture);
    assertEquals(List.of(), engine.architectures());
    assertEquals(expected("hello", 20), generate(model, Prompt.text("hello"), 20));
    architecture.failing = "render";
    ServalException e =
        assertThrows(ServalException.class, () -> model.tokens(Prompt.chat("hello")));
    assertEquals("request.plugin-failed", e.code());
  }

  @Test
  void closingTheEngineClosesItsModels() throws InterruptedException {
    Model model = engine.load(LoadRequest.of(file));
    RecallProgram program = Objects.requireNonNull(backend.program);
    program.hold();
    Generation running = model.generate(request(Prompt.text("hello"), 5), TokenSink.NONE);
    engine.close();
    assertEquals(FinishReason.CANCELLED, running.await().finish());
    assertTrue(program.isClosed());
    assertThrows(IllegalStateException.class, () -> engine.load(LoadRequest.of(file)));
  }

  @Test
  void inspectsAFileWithoutAnArchitecture() {
    engine.removeArchitecture(architecture);
    assertEquals("recall", engine.inspect(file).architecture());
    assertFalse(engine.inspect(file).tensors().isEmpty());
  }

  private ModelRefusedException refusal(LoadRequest request) {
    return assertThrows(ModelRefusedException.class, () -> engine.load(request));
  }

  @Test
  void tokenizesWithAFileThatHoldsAVocabularyOnly() {
    Tokenizer bpe = engine.tokenizer(GoldenFile.of("vocab-bpe.gguf"));
    Tokenizer spm = engine.tokenizer(GoldenFile.of("vocab-spm.gguf"));

    assertEquals(865, bpe.vocabSize());
    assertEquals(2, spm.encode("", true, false)[0]);
  }

  private static GenerateRequest request(Prompt prompt, int maxTokens) {
    return new GenerateRequest(
        prompt, SamplingOptions.GREEDY, maxTokens, List.of(), false, ContextOptions.DEFAULT);
  }

  private static List<Integer> generate(Model model, Prompt prompt, int n)
      throws InterruptedException {
    return model.generate(request(prompt, n), TokenSink.NONE).await().tokens();
  }

  private static List<Integer> expected(String prompt, int n) {
    List<Integer> text =
        new ArrayList<>(Arrays.stream(LetterTokenizer.ids(prompt)).boxed().toList());
    for (int i = 0; i < n; i++) {
      text.add(RecallProgram.next(text));
    }
    return text.subList(prompt.length(), text.size());
  }
}
