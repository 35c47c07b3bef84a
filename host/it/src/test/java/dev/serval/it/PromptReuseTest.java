package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.CacheOptions;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.ContextOptions.Overflow;
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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a model with windows computes of prompts that begin like texts it knows. */
@Timeout(120)
class PromptReuseTest {

  private static final int CONTEXT = 1024;
  private static final int WINDOW = 16;
  private static final int CHUNK = 32;
  private static final CacheOptions LITTLE = new CacheOptions(8, 1 << 26);

  private final SplittableRandom random = new SplittableRandom(11);

  @TempDir private Path folder;

  private LoadRequest load() throws Exception {
    return LoadRequest.of(LongGolden.write(folder, CONTEXT, WINDOW))
        .withChunkTokens(CHUNK)
        .withCache(LITTLE);
  }

  private List<Integer> ids(int n) {
    return random.ints(n, 5, 900).boxed().toList();
  }

  private static List<Integer> join(List<Integer> a, List<Integer> b) {
    return Stream.concat(a.stream(), b.stream()).toList();
  }

  private static GenerateRequest request(List<Integer> prompt, int n) {
    return GenerateRequest.of(new Prompt.Tokens(prompt))
        .withSampling(SamplingOptions.GREEDY)
        .withMaxTokens(n)
        .ignoringEnd();
  }

  private static GenerationResult cold(Model model, GenerateRequest request) throws Exception {
    return model
        .generate(request.withContext(ContextOptions.DEFAULT.withoutReuse()), TokenSink.NONE)
        .await();
  }

  /** Each prompt is the one before and more; answers, longer than the window, are not in it. */
  @Test
  void promptThatGoesOnWithoutItsAnswerComputesOnlyWhatIsNew() throws Exception {
    try (Serval serval = Serval.start();
        Model model = serval.load(load())) {
      List<Integer> prompt = ids(200);
      model.generate(request(prompt, 60), TokenSink.NONE).await();
      for (int turn = 0; turn < 3; turn++) {
        int known = prompt.size();
        prompt = join(prompt, ids(20));
        long before = model.metrics().value("engine.tokens.computed");
        GenerateRequest next = request(prompt, 60);
        GenerationResult r = model.generate(next, TokenSink.NONE).await();
        assertEquals(known, r.use().reused());
        assertEquals(20, r.use().prefilled());
        assertEquals("the text in the cache differs from token " + known + " on", r.use().reuse());
        long computed = model.metrics().value("engine.tokens.computed") - before;
        assertEquals(r.use().computed(), computed);
        assertEquals(cold(model, next).tokens(), r.tokens());
      }
    }
  }

  /** A text that runs is forked wherever another one leaves it. */
  @Test
  void forkOfARunningTextComputesAtMostAWindowAndAChunk() throws Exception {
    try (Serval serval = Serval.start();
        Model model = serval.load(load())) {
      List<Integer> prompt = ids(300);
      CountDownLatch past = new CountDownLatch(40);
      GenerateRequest first = request(prompt, 600);
      Generation busy = model.generate(first, event -> past.countDown());
      past.await();
      for (int at : new int[] {300, 299, 250, 177, 64, 30}) {
        GenerateRequest fork = request(join(prompt.subList(0, at), ids(10)), 20);
        GenerationResult r = model.generate(fork, TokenSink.NONE).await();
        TokenUse use = r.use();
        assertTrue(at - use.reused() < WINDOW + CHUNK, at + " known, " + use);
        assertEquals(at + 10 - use.reused(), use.prefilled());
        assertEquals(at == use.reused(), !use.reuse().contains("gone from the window"));
        assertEquals(cold(model, fork).tokens(), r.tokens(), "fork at " + at);
      }
      List<Integer> tokens = busy.await().tokens();
      assertEquals(cold(model, first).tokens(), tokens);
    }
  }

  /** The text goes on without what was dropped, and what is left is not computed again. */
  @Test
  void fullContextMovesWhatIsKept() throws Exception {
    try (Serval serval = Serval.start();
        Model model = serval.load(load().withContextLength(128))) {
      List<Integer> prompt = ids(100);
      ContextOptions shift = ContextOptions.DEFAULT.withOverflow(Overflow.SHIFT, 4);
      List<List<Integer>> runs = new ArrayList<>();
      for (int run = 0; run < 2; run++) {
        GenerationResult r =
            model.generate(request(prompt, 200).withContext(shift), TokenSink.NONE).await();
        TokenUse use = r.use();
        assertEquals(200, r.tokens().size());
        assertEquals("", use.shift());
        // 299 positions, 62 dropped each time 128 are reached: at 128, 190, 252 of them
        assertEquals(3 * 62, use.dropped());
        assertEquals(3 * (127 - 62 - 4), use.moved());
        assertEquals(100 - use.reused() + 199, use.computed());
        runs.add(r.tokens());
      }
      assertEquals(runs.getFirst(), runs.getLast());
    }
  }
}
