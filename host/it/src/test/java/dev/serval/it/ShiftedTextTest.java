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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Texts that go on beyond the context. Rows that moved remember what was dropped, so what is drawn
 * shows whether they moved, and when; neighbours must not make a difference.
 */
@Timeout(120)
class ShiftedTextTest {

  private static final int CONTEXT = 128;
  private static final int KEEP = 4;
  private static final int DROPPED = (CONTEXT - KEEP) / 2;
  private static final ContextOptions SHIFT =
      ContextOptions.DEFAULT.withOverflow(Overflow.SHIFT, KEEP);

  private final SplittableRandom random = new SplittableRandom(17);

  @TempDir private Path folder;

  private LoadRequest load(int window) throws Exception {
    return LoadRequest.of(LongGolden.write(folder, 1024, window))
        .withContextLength(CONTEXT)
        .withChunkTokens(32)
        .withCache(new CacheOptions(8, 1 << 26));
  }

  private List<Integer> ids(int n) {
    return random.ints(n, 5, 900).boxed().toList();
  }

  private static List<Integer> join(List<Integer> a, List<Integer> b) {
    List<Integer> all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }

  private static GenerateRequest request(List<Integer> prompt, int n) {
    return GenerateRequest.of(new Prompt.Tokens(prompt))
        .withSampling(SamplingOptions.GREEDY)
        .withMaxTokens(n)
        .withContext(SHIFT)
        .ignoringEnd();
  }

  private static GenerationResult cold(Model model, GenerateRequest request) throws Exception {
    ContextOptions options = request.context().withoutReuse();
    return model.generate(request.withContext(options), TokenSink.NONE).await();
  }

  /** Two texts that begin alike and shift both; together they do not fit, so one gives way. */
  @ParameterizedTest
  @CsvSource({"true, 300", "false, 300", "true, 50", "false, 50", "true, 3", "false, 3"})
  void besideAForkATextIsWhatItIsAlone(boolean older, int sharedTokens) throws Exception {
    LoadRequest load = load(16).withContextLength(512);
    try (Serval serval = Serval.start();
        Model alone = serval.load(load.withMaxSequences(1));
        Model model = serval.load(load.withMaxSequences(2))) {
      List<Integer> prompt = ids(300);
      GenerateRequest text = request(prompt, 600);
      GenerateRequest fork = request(join(prompt.subList(0, sharedTokens), ids(2)), 600);
      CountDownLatch begun = new CountDownLatch(1);
      Generation first = model.generate(older ? text : fork, event -> begun.countDown());
      begun.await();
      Generation second = model.generate(older ? fork : text, TokenSink.NONE);
      same(cold(alone, older ? text : fork), first.await());
      GenerationResult younger = second.await();
      same(cold(alone, older ? fork : text), younger);
      TokenUse use = younger.use();
      assertTrue(sharedTokens - use.reused() < 16 + 32, "shared at the beginning: " + use);
      assertTrue(use.computed() > use.prompt() - use.reused() + 599, "gave way: " + use);
    }
  }

  /**
   * The younger fills the context and shifts before the older, which began small, needs room; if
   * the older was too far ahead, both are asked again.
   */
  @Test
  void textThatShiftedAndGaveWayIsWhatItIsAlone() throws Exception {
    LoadRequest load = load(16).withContextLength(450); // 512 cells: 62 for the older meanwhile
    try (Serval serval = Serval.start();
        Model alone = serval.load(load.withMaxSequences(1));
        Model model = serval.load(load.withMaxSequences(2))) {
      GenerateRequest small = request(ids(2), 400);
      // drawn at random, so that a row that remembers something else shows at some token
      GenerateRequest text =
          request(ids(440), 600).withSampling(SamplingOptions.DEFAULT.withSeed(7));
      List<Integer> smallAlone = cold(alone, small).tokens();
      GenerationResult expected = cold(alone, text);
      int again = 0;
      for (int round = 0; round < 5 && again <= 450; round++) {
        Generation older = model.generate(small, TokenSink.NONE);
        GenerationResult younger = model.generate(text, TokenSink.NONE).await();
        assertEquals(smallAlone, older.await().tokens());
        same(expected, younger);
        again = younger.use().computed() - expected.use().computed();
      }
      assertTrue(again > 450, "it shifted before it gave way: " + again + " rows again");
    }
  }

  private static void same(GenerationResult expected, GenerationResult got) {
    assertTrue(expected.use().moved() > 0);
    assertEquals(expected.tokens(), got.tokens());
    assertEquals(expected.use().moved(), got.use().moved());
    assertEquals(expected.use().dropped(), got.use().dropped());
    assertEquals("", got.use().shift());
  }

  /** An ended text that shares what has to move stays as long as there is room. */
  @Test
  void besideAKeptTextATextIsWhatItIsAlone() throws Exception {
    try (Serval serval = Serval.start();
        Model model = serval.load(load(16))) {
      List<Integer> prompt = ids(100);
      GenerationResult expected = cold(model, request(prompt, 300));
      cold(model, request(prompt, 10));
      GenerationResult got = model.generate(request(prompt, 300), TokenSink.NONE).await();
      assertEquals(99, got.use().reused());
      same(expected, got);
    }
  }

  /** What moved remembers another text than the one that its tokens make. */
  @Test
  void rowsThatMovedAreNotReused() throws Exception {
    try (Serval serval = Serval.start();
        Model model = serval.load(load(16))) {
      List<Integer> prompt = ids(100);
      List<Integer> text = join(prompt, cold(model, request(prompt, 60)).tokens());
      text.subList(KEEP, KEEP + DROPPED).clear();
      GenerateRequest again = request(join(text, ids(3)), 20);
      GenerationResult got = model.generate(again, TokenSink.NONE).await();
      assertTrue(got.use().reused() <= KEEP, got.use().toString());
      assertEquals(cold(model, again).tokens(), got.tokens());
    }
  }

  /** Where a window would lack rows, what is behind the dropped tokens is computed from tokens. */
  @Test
  void windowLongerThanWhatIsBehindIsComputedAgain() throws Exception {
    try (Serval serval = Serval.start();
        Model model = serval.load(load(100))) {
      List<Integer> prompt = ids(100);
      List<Integer> tokens = new ArrayList<>();
      GenerationResult r = cold(model, request(prompt, 60));
      assertEquals(0, r.use().moved());
      assertEquals("a window is longer than what is behind the dropped tokens", r.use().shift());
      List<Integer> text = join(prompt, r.tokens().subList(0, 28));
      text.subList(KEEP, KEEP + DROPPED).clear();
      tokens.addAll(r.tokens().subList(0, 28));
      tokens.addAll(cold(model, request(text, 32)).tokens());
      assertEquals(tokens, r.tokens());
    }
  }
}
