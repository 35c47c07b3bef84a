package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Step;
import dev.serval.api.error.BackendLostException;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.CacheOptions;
import dev.serval.api.runtime.Capability;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.EmbedResult;
import dev.serval.api.runtime.EmbeddingInfo;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.TokenSink;
import dev.serval.engine.recall.LetterTokenizer;
import dev.serval.engine.recall.RecallProgram;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

@Timeout(60)
class EmbedTest {

  /** Tokens of the longest text. */
  private static final int MOST = 16;

  /** Tokens up to which texts share a step. */
  private static final int SHARED = 8;

  /** A model that pools, with the program it runs. */
  private record Encoder(RecallProgram program, LoadedModel model) implements AutoCloseable {

    static Encoder start(int maxSequences) {
      return start(maxSequences, RunningModel.options(60_000, 60_000));
    }

    static Encoder start(int maxSequences, RunnerOptions options) {
      RecallProgram program = RecallProgram.encoder(MOST, maxSequences);
      Step step = program.newStep();
      ModelInfo info =
          new ModelInfo(
              "encoder",
              "test",
              0,
              0,
              Optional.of(new EmbeddingInfo(4, MOST, Map.of())),
              LetterTokenizer.VOCAB,
              MOST,
              MOST,
              "recall",
              "test",
              program.numericsId(),
              MemoryUse.NONE,
              MemoryUse.NONE,
              0,
              LoadReport.NONE,
              List.of());
      LoadedModel.Parts parts =
          new LoadedModel.Parts(
              info,
              new LetterTokenizer(),
              Optional.empty(),
              program.layout().graph(),
              program,
              step,
              maxSequences,
              SHARED,
              RunningModel.host(),
              CacheOptions.DEFAULT,
              Optional.empty());
      LoadedModel model =
          LoadedModel.start(
              parts,
              () -> options,
              ended -> {
                step.close();
                program.close();
              });
      return new Encoder(program, model);
    }

    /** Starts a request on a thread of its own. */
    CompletableFuture<EmbedResult> embed(EmbedRequest request) {
      return CompletableFuture.supplyAsync(
          () -> {
            try {
              return model.embed(request);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          },
          task -> Thread.ofVirtual().start(task));
    }

    @Override
    public void close() {
      model.close();
    }
  }

  private static EmbedRequest tokens(int[]... texts) {
    return EmbedRequest.of(
        Arrays.stream(texts)
            .map(t -> (Prompt) new Prompt.Tokens(Arrays.stream(t).boxed().toList()))
            .toList());
  }

  private static void assertRejected(Reason reason, String message, Executable call) {
    RequestRejectedException e = assertThrows(RequestRejectedException.class, call);
    assertEquals(reason, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }

  @Test
  void givesVectorsInTheOrderOfTheTextsHoweverMany() throws InterruptedException {
    int[][] texts = new int[130][];
    for (int i = 0; i < texts.length; i++) {
      int from = i;
      texts[i] = IntStream.range(0, 1 + i % 5).map(k -> (from + k) % 20).toArray();
    }
    try (Encoder e = Encoder.start(4)) {
      EmbedResult result = e.model.embed(tokens(texts).raw());
      assertEquals(texts.length, result.count());
      long all = 0;
      for (int i = 0; i < texts.length; i++) {
        assertArrayEquals(RecallProgram.pooled(texts[i]), result.vector(i));
        assertEquals(texts[i].length, result.tokens(i));
        all += texts[i].length;
      }
      assertEquals(all, result.totalTokens());
      assertEquals(texts.length, e.model.metrics().value("engine.texts.embedded"));
    }
  }

  @Test
  void textsShareStepsAndAreNeverSplit() throws InterruptedException {
    try (Encoder e = Encoder.start(6)) {
      e.model.embed(tokens(new int[3], new int[3], new int[MOST], new int[2], new int[1]));
      List<List<Integer>> lengths =
          e.program.pooledTexts().stream()
              .map(step -> step.stream().map(List::size).toList())
              .toList();
      assertEquals(List.of(List.of(3, 3, 2), List.of(MOST), List.of(1)), lengths);
    }
  }

  @Test
  void requestsTakeTurns() throws Exception {
    try (Encoder e = Encoder.start(1)) {
      e.program.hold();
      CompletableFuture<EmbedResult> many =
          e.embed(tokens(new int[] {1}, new int[] {2}, new int[] {3}, new int[] {4}));
      e.program.awaitSteps(1);
      CompletableFuture<EmbedResult> one = e.embed(tokens(new int[] {9}));
      while (e.model.waiting() < 2) {
        Thread.onSpinWait();
      }
      e.program.letGo();
      many.get();
      one.get();
      List<Integer> order =
          e.program.pooledTexts().stream().map(s -> s.getFirst().getFirst()).toList();
      assertEquals(List.of(1, 2, 9, 3, 4), order);
    }
  }

  @Test
  void vectorsHaveLengthOneUnlessRaw() throws InterruptedException {
    try (Encoder e = Encoder.start(2)) {
      EmbedRequest request = tokens(new int[] {3, 4}, new int[] {0});
      double length = Math.sqrt(49 + 9 + 16 + 1);
      float[] scaled = e.model.embed(request).vector(0);
      assertArrayEquals(
          new float[] {
            (float) (7 / length), (float) (3 / length), (float) (4 / length), (float) (1 / length)
          },
          scaled);
      assertArrayEquals(new float[4], e.model.embed(request).vector(1));
      assertArrayEquals(new float[] {7, 3, 4, 1}, e.model.embed(request.raw()).vector(0));
    }
  }

  @Test
  void shortenedVectorsAreScaledAfterwards() throws InterruptedException {
    try (Encoder e = Encoder.start(2)) {
      EmbedRequest request = tokens(new int[] {3, 1}).withDimensions(2);
      assertArrayEquals(new float[] {4 / 5f, 3 / 5f}, e.model.embed(request).vector(0));
      assertArrayEquals(new float[] {4, 3}, e.model.embed(request.raw()).vector(0));
      assertRejected(
          Reason.OPTION_INVALID,
          "expected 1..4, got 5",
          () -> e.model.embed(request.withDimensions(5)));
      assertRejected(Reason.OPTION_INVALID, "got 0", () -> request.withDimensions(0));
    }
  }

  @Test
  void refusesTextsThatDoNotFitNamingThem() {
    try (Encoder e = Encoder.start(2)) {
      int[] ok = {1};
      assertRejected(
          Reason.PROMPT_TOO_LONG,
          "text 2 of 2 has 17 tokens, the context of 16 takes at most 16",
          () -> e.model.embed(tokens(ok, new int[MOST + 1])));
      assertRejected(Reason.PROMPT_EMPTY, "text 1 of 1", () -> e.model.embed(tokens(new int[0])));
      assertRejected(
          Reason.TOKEN_UNKNOWN,
          "token 1 of text 2 of 2: expected an id of 0..27, got 28",
          () -> e.model.embed(tokens(ok, new int[] {0, LetterTokenizer.VOCAB})));
      assertEquals(List.of(), e.program.pooledTexts());
    }
  }

  @Test
  void nothingComesOfNothing() throws InterruptedException {
    try (Encoder e = Encoder.start(2)) {
      assertEquals(0, e.model.embed(EmbedRequest.of(List.of())).count());
    }
  }

  @Test
  void aVectorThatIsNotFiniteFailsItsRequestOnly() throws Exception {
    try (Encoder e = Encoder.start(4)) {
      e.program.hold();
      CompletableFuture<EmbedResult> first = e.embed(tokens(new int[] {1}).raw());
      e.program.awaitSteps(1);
      CompletableFuture<EmbedResult> bad =
          e.embed(tokens(new int[] {2}, new int[] {RecallProgram.POISON}, new int[] {3}));
      CompletableFuture<EmbedResult> good = e.embed(tokens(new int[] {4}, new int[] {5}).raw());
      while (e.model.waiting() < 2) {
        Thread.onSpinWait();
      }
      e.program.letGo();
      ExecutionException failure = assertThrows(ExecutionException.class, bad::get);
      RequestRejectedException rejected =
          assertInstanceOf(RequestRejectedException.class, failure.getCause());
      assertEquals(Reason.NOT_FINITE, rejected.reason());
      assertTrue(String.valueOf(rejected.getMessage()).contains("text 2 of 3"));
      assertArrayEquals(RecallProgram.pooled(1), first.get().vector(0));
      assertArrayEquals(RecallProgram.pooled(5), good.get().vector(1));
      assertArrayEquals(
          RecallProgram.pooled(6), e.model.embed(tokens(new int[] {6}).raw()).vector(0));
    }
  }

  @Test
  void interruptedCallerAbandonsTheWork() throws InterruptedException {
    try (Encoder e = Encoder.start(1)) {
      e.program.hold();
      List<Throwable> thrown = new ArrayList<>();
      Thread caller =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  e.model.embed(tokens(new int[] {1, 1}, new int[] {2, 2}, new int[] {3, 3}));
                } catch (InterruptedException | RuntimeException x) {
                  thrown.add(x);
                }
              });
      e.program.awaitSteps(1);
      caller.interrupt();
      caller.join();
      assertInstanceOf(InterruptedException.class, thrown.getFirst());
      e.program.letGo();
      assertArrayEquals(
          RecallProgram.pooled(5), e.model.embed(tokens(new int[] {5}).raw()).vector(0));
      assertEquals(List.of(List.of(List.of(5))), e.program.pooledTexts());
    }
  }

  @Test
  void closeEndsRequestsUnderWayAndWaiting() throws Exception {
    Encoder e = Encoder.start(1);
    e.program.hold();
    CompletableFuture<EmbedResult> running = e.embed(tokens(new int[] {1}, new int[] {2}));
    e.program.awaitSteps(1);
    CompletableFuture<EmbedResult> waiting = e.embed(tokens(new int[] {3}));
    while (e.model.waiting() < 2) {
      Thread.onSpinWait();
    }
    e.close();
    for (CompletableFuture<EmbedResult> request : List.of(running, waiting)) {
      Throwable cause = assertThrows(ExecutionException.class, request::get).getCause();
      assertEquals(
          Reason.MODEL_CLOSED, assertInstanceOf(RequestRejectedException.class, cause).reason());
    }
    assertRejected(Reason.MODEL_CLOSED, "closed", () -> e.model.embed(tokens(new int[] {1})));
    assertTrue(e.program.isClosed());
  }

  @Test
  void aLostBackendEndsRequests() throws Exception {
    try (Encoder e = Encoder.start(1, RunningModel.options(50, 60_000))) {
      e.program.hold();
      CompletableFuture<EmbedResult> request = e.embed(tokens(new int[] {1}, new int[] {2}));
      Throwable cause =
          assertThrows(ExecutionException.class, () -> request.get(30, TimeUnit.SECONDS))
              .getCause();
      assertInstanceOf(BackendLostException.class, cause);
    }
  }

  @Test
  void modelsDoOnlyWhatTheyWereMadeFor() {
    try (Encoder e = Encoder.start(1);
        RunningModel m = new RunningModel(16, 1, 16)) {
      assertEquals(Capability.EMBED, e.model.info().capability());
      assertEquals(Capability.GENERATE, m.model.info().capability());
      String message = "expected one that can generate, this one can embed";
      assertRejected(
          Reason.CAPABILITY_MISSING,
          message,
          () -> e.model.generate(RunningModel.request("a", 1), TokenSink.NONE));
      assertRejected(
          Reason.CAPABILITY_MISSING, message, () -> e.model.logits(new int[1], (i, row) -> {}));
      assertRejected(
          Reason.CAPABILITY_MISSING,
          "expected one that can embed, this one can generate",
          () -> m.model.embed(tokens(new int[] {1})));
    }
  }

  @Test
  void readsThePrefixAsPartOfTheText() throws InterruptedException {
    try (Encoder e = Encoder.start(1)) {
      e.model.embed(EmbedRequest.of("b").withPrefix("a"));
      List<Integer> ab = Arrays.stream(LetterTokenizer.ids("ab")).boxed().toList();
      assertEquals(List.of(List.of(ab)), e.program.pooledTexts());
      assertRejected(
          Reason.OPTION_INVALID,
          "prefix",
          () -> e.model.embed(tokens(new int[] {1}).withPrefix("a")));
      assertRejected(
          Reason.OPTION_INVALID,
          "conversation",
          () -> e.model.embed(EmbedRequest.of(List.of(Prompt.chat("a")))));
    }
  }
}
