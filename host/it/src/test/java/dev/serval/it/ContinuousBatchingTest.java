package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.runtime.TokenUse;
import dev.serval.api.tensor.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many generations on one model: what each writes, what they share, how full the steps are. */
@Timeout(600)
class ContinuousBatchingTest {

  private static final int VOCABULARY = 900;

  @TempDir private Path folder;

  private Path model(int context, int window) throws IOException {
    return LongGolden.write(folder, context, window);
  }

  private static List<Integer> ids(SplittableRandom random, int n) {
    List<Integer> ids = new ArrayList<>(List.of(2));
    while (ids.size() < n) {
      ids.add(5 + random.nextInt(VOCABULARY));
    }
    return ids;
  }

  private static GenerateRequest request(List<Integer> prompt, int n) {
    return GenerateRequest.of(new Prompt.Tokens(prompt))
        .withSampling(SamplingOptions.GREEDY)
        .withMaxTokens(n)
        .ignoringEnd();
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"F16", "Q8_0"})
  void textsThatJoinAndLeaveAreWhatTheyAreAlone(DataType kvType) throws Exception {
    joinAndLeave(kvType, 10);
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"F16", "Q8_0", "Q4_0"})
  @Tag("nightly")
  void manyTextsThatJoinAndLeaveAreWhatTheyAreAlone(DataType kvType) throws Exception {
    joinAndLeave(kvType, 100);
  }

  private void joinAndLeave(DataType kvType, int rounds) throws Exception {
    LoadRequest load = LoadRequest.of(model(2048, 16)).withKvType(kvType);
    try (Serval serval = Serval.start();
        Model alone = serval.load(load.withMaxSequences(1));
        Model shared = serval.load(load.withMaxSequences(64))) {
      for (int seed = 0; seed < rounds; seed++) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Integer> beginning = ids(random, 40);
        List<GenerateRequest> requests = new ArrayList<>();
        List<Generation> running = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
          List<Integer> prompt = new ArrayList<>(beginning.subList(0, random.nextInt(1, 40)));
          prompt.addAll(ids(random, random.nextInt(1, 20)));
          requests.add(request(prompt, random.nextInt(1, 24)));
          running.add(shared.generate(requests.get(i), TokenSink.NONE));
          if (random.nextInt(8) == 0) {
            running.get(random.nextInt(running.size())).await();
          }
        }
        for (int i = 0; i < 64; i++) {
          GenerateRequest cold = requests.get(i).withContext(ContextOptions.DEFAULT.withoutReuse());
          assertEquals(
              alone.generate(cold, TokenSink.NONE).await().tokens(),
              running.get(i).await().tokens(),
              "seed " + seed + ", text " + i);
        }
      }
      assertTrue(shared.metrics().value("engine.tokens.reused") > 0, "nothing was shared");
    }
  }

  @Test
  void aLongTextThatGoesOnComputesOnlyWhatIsNew() throws Exception {
    SplittableRandom random = new SplittableRandom(3);
    try (Serval serval = Serval.start();
        Model model = serval.load(LoadRequest.of(model(4096, 512)))) {
      List<Integer> text = new ArrayList<>(ids(random, 2000));
      GenerationResult first = model.generate(request(text, 20), TokenSink.NONE).await();
      assertEquals(2000, first.use().prefilled());
      text.addAll(first.tokens());
      text.addAll(ids(random, 30));
      GenerationResult second = model.generate(request(text, 20), TokenSink.NONE).await();
      // All but the first answer's last token, which was never computed, and what is new.
      TokenUse use = second.use();
      assertEquals(2019, use.reused());
      assertEquals(31, use.prefilled());
      GenerateRequest cold = request(text, 20).withContext(ContextOptions.DEFAULT.withoutReuse());
      assertEquals(model.generate(cold, TokenSink.NONE).await().tokens(), second.tokens());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 64})
  void stepsAreFull(int sequences) throws Exception {
    SplittableRandom random = new SplittableRandom(9);
    LoadRequest load = LoadRequest.of(model(8192, 16)).withMaxSequences(sequences);
    try (Serval serval = Serval.start();
        Model model = serval.load(load)) {
      List<Generation> running = new ArrayList<>();
      for (int i = 0; i < sequences; i++) {
        running.add(model.generate(request(ids(random, 2), 100), TokenSink.NONE));
      }
      long reported = 0;
      for (Generation g : running) {
        reported += g.await().use().computed();
      }
      MetricsSnapshot metrics = model.metrics();
      assertEquals(metrics.value("engine.tokens.computed"), reported);
      assertEquals(
          reported, metrics.value("engine.rows.prefill") + metrics.value("engine.rows.decode"));
      assertEquals(reported, metrics.value("cpu.tokens"), "what the backend saw");
      double mean = reported / (double) metrics.value("engine.steps");
      assertTrue(mean >= 0.8 * sequences, mean + " rows per step");
    }
  }
}
