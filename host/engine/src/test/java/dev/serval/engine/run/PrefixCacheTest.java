package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.CacheOptions;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.runtime.TokenUse;
import dev.serval.engine.recall.LetterTokenizer;
import dev.serval.engine.recall.RecallProgram;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What later texts find in the cache, and what happens when it is full. */
@Timeout(60)
class PrefixCacheTest {

  private static final String PROMPT = "thequickbrownfoxjumps";

  private static final RunnerOptions ROOMY =
      new RunnerOptions(TimeUnit.MINUTES.toNanos(1), TimeUnit.MINUTES.toNanos(1), 1 << 16, 200);

  private static String letters(List<Integer> ids) {
    StringBuilder text = new StringBuilder();
    ids.forEach(id -> text.append(LetterTokenizer.text(id)));
    return text.toString();
  }

  @Test
  void aTextThatGoesOnComputesOnlyWhatIsNew() throws InterruptedException {
    try (RunningModel m = new RunningModel(128, 2, 16)) {
      GenerationResult first = m.generate(PROMPT, 10);
      assertEquals(new TokenUse(21, 0, 21, 30, 0, first.use().reuse(), 0, ""), first.use());
      assertEquals("no text in the cache begins like this one", first.use().reuse());

      String next = PROMPT + letters(first.tokens()) + "overthelazydog";
      GenerationResult second = m.generate(next, 5);
      // The last token of the answer was never computed.
      assertEquals(30, second.use().reused());
      assertEquals(next.length() - 30, second.use().prefilled());
      assertEquals("", reasonBeyond(second.use(), next.length()));
      assertEquals(RunningModel.expected(next, 5), second.tokens());
    }
  }

  private static String reasonBeyond(TokenUse use, int prompt) {
    return use.reused() == prompt - 1 ? use.reuse() : use.reuse().isEmpty() ? "?" : "";
  }

  @Test
  void theSamePromptComputesOneToken() throws InterruptedException {
    try (RunningModel m = new RunningModel(128, 2, 16)) {
      m.generate(PROMPT, 10);
      GenerationResult again = m.generate(PROMPT, 10);
      assertEquals(new TokenUse(21, 20, 1, 10, 0, "", 0, ""), again.use());
      assertEquals(RunningModel.expected(PROMPT, 10), again.tokens());
    }
  }

  @Test
  void aRunningTextIsSharedToo() throws InterruptedException {
    try (RunningModel m = new RunningModel(128, 3, 64)) {
      m.program.hold();
      Generation first = m.model.generate(RunningModel.request(PROMPT, 60), TokenSink.NONE);
      m.program.awaitSteps(1);
      Generation second = m.model.generate(RunningModel.request(PROMPT + "a", 9), TokenSink.NONE);
      m.program.letGo();
      GenerationResult r = second.await();
      assertEquals(PROMPT.length(), r.use().reused());
      assertEquals(RunningModel.expected(PROMPT + "a", 9), r.tokens());
      assertEquals(RunningModel.expected(PROMPT, 60), first.await().tokens());
    }
  }

  private static RunningModel forgetful(int maxSequences, int windowMemory, long checkpointBytes) {
    return new RunningModel(
        256,
        maxSequences,
        16,
        ROOMY,
        new LetterTokenizer(),
        new CacheOptions(windowMemory, checkpointBytes));
  }

  /** The answer moved the window past the end of the prompt, and is not part of the next prompt. */
  @ParameterizedTest
  @ValueSource(ints = {0, 4, 20})
  void promptThatGoesOnWithoutItsAnswerComputesOnlyWhatIsNew(int memory)
      throws InterruptedException {
    try (RunningModel m = forgetful(1, memory, 1 << 24)) {
      String prompt = PROMPT;
      for (int turn = 0; turn < 4; turn++) {
        int known = turn == 0 ? 0 : prompt.length();
        prompt += turn == 0 ? "" : "overthelazydog";
        GenerationResult r = m.generate(prompt, 60);
        assertEquals(RunningModel.expected(prompt, 60), r.tokens());
        assertEquals(known, r.use().reused());
        assertEquals(prompt.length() - known, r.use().prefilled());
      }
      assertTrue(m.program.kv().imported() > 0, "windows were restored");
    }
  }

  @Test
  void withoutCheckpointsOnlyTheMemoryIsThere() throws InterruptedException {
    try (RunningModel m = forgetful(1, 20, 0)) {
      m.generate("y" + PROMPT, 15);
      assertEquals(PROMPT.length() + 1, m.generate("y" + PROMPT + "a", 5).use().reused());
      m.generate(PROMPT, 90);
      TokenUse use = m.generate(PROMPT + "b", 5).use();
      assertEquals(0, use.reused());
      assertEquals(
          PROMPT.length()
              + " tokens are known, but what the next one sees is gone from the window: computing"
              + " goes on from token 0",
          use.reuse());
    }
  }

  /** Wherever a text in the cache is left, at most a window and a chunk of it is computed again. */
  @Test
  void everyPointOfALongTextIsAWindowAndAChunkAway() throws InterruptedException {
    String text = "thequickbrownfoxjumpsoverthelazydog".repeat(4);
    int chunk = 16;
    try (RunningModel m = forgetful(1, 4, 1 << 24)) {
      m.generate(text, 100);
      for (int at = 1; at < text.length(); at += 7) {
        char other = text.charAt(at) == 'a' ? 'b' : 'a';
        TokenUse use = m.generate(text.substring(0, at) + other, 1).use();
        assertTrue(
            at - use.reused() < RecallProgram.WINDOW + chunk,
            at + " tokens known: " + use.reused());
      }
    }
  }

  /** A text that runs, past its window, is forked at the end of its prompt. */
  @Test
  void aRunningTextIsForkedBehindItsWindow() throws InterruptedException {
    try (RunningModel m = forgetful(3, 2, 1 << 24)) {
      CountDownLatch past = new CountDownLatch(50);
      Generation first =
          m.model.generate(RunningModel.request(PROMPT, 200), event -> past.countDown());
      past.await();
      GenerationResult second = m.generate(PROMPT + "a", 9);
      assertEquals(PROMPT.length(), second.use().reused());
      assertEquals(RunningModel.expected(PROMPT + "a", 9), second.tokens());
      assertEquals(RunningModel.expected(PROMPT, 200), first.await().tokens());
    }
  }

  @Test
  void checkpointsGoWithTheModel() throws InterruptedException {
    CompileSpec.Resources host;
    try (RunningModel m = forgetful(1, 0, 1 << 24)) {
      m.generate(PROMPT, 30);
      host = m.host;
      assertTrue(host.budget().reservedBytes() > 0);
    }
    assertEquals(0, host.budget().reservedBytes());
    assertEquals(0, host.pool().metrics().leasedBytes());
  }

  /** As many texts run as there are numbers: only those share, and one more is refused. */
  @Test
  void among64ThatRunOnlyTheseAreShared() throws InterruptedException {
    RunnerOptions queueOf63 =
        new RunnerOptions(TimeUnit.MINUTES.toNanos(1), TimeUnit.MINUTES.toNanos(1), 1 << 16, 63);
    try (RunningModel m = new RunningModel(8192, 64, 64, queueOf63)) {
      m.generate("y" + PROMPT, 1);
      m.program.hold();
      List<String> prompts = new ArrayList<>(List.of("x" + PROMPT));
      List<Generation> texts = new ArrayList<>();
      texts.add(m.model.generate(RunningModel.request(prompts.getFirst(), 60), TokenSink.NONE));
      m.program.awaitSteps(2 + PROMPT.length() / 64);
      for (int i = 0; i < 61; i++) {
        prompts.add((char) ('a' + i % 20) + PROMPT.substring(i / 20));
      }
      prompts.add("x" + PROMPT + "a");
      prompts.add("y" + PROMPT + "a");
      for (String prompt : prompts.subList(1, 64)) {
        texts.add(m.model.generate(RunningModel.request(prompt, 60), TokenSink.NONE));
      }
      RequestRejectedException e =
          assertThrows(RequestRejectedException.class, () -> m.generate(PROMPT, 1));
      assertEquals(Reason.QUEUE_FULL, e.reason());
      assertEquals("63 requests are waiting already, as many as may", e.getMessage());
      m.program.letGo();
      for (int i = 0; i < 64; i++) {
        assertEquals(RunningModel.expected(prompts.get(i), 60), texts.get(i).await().tokens());
      }
      assertEquals(1 + PROMPT.length(), texts.get(62).await().use().reused());
      assertEquals(0, texts.get(63).await().use().reused());
      assertEquals(
          "no text in the cache begins like this one", texts.get(63).await().use().reuse());
    }
  }

  /** Of eight texts that ended, 60 that run leave the four that were used last. */
  @Test
  void runningAndKeptTextsAre64Together() throws InterruptedException {
    RunnerOptions roomy =
        new RunnerOptions(TimeUnit.MINUTES.toNanos(1), TimeUnit.MINUTES.toNanos(1), 1 << 16, 64);
    try (RunningModel m = new RunningModel(8192, 60, 64, roomy)) {
      for (char c = 'a'; c <= 'h'; c++) {
        m.generate(c + PROMPT, 1);
      }
      m.program.hold();
      List<Generation> texts = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        String prompt = (char) ('j' + i % 10) + "x".repeat(i / 10) + PROMPT;
        texts.add(m.model.generate(RunningModel.request(prompt, 60), TokenSink.NONE));
      }
      m.program.letGo();
      for (Generation g : texts) {
        g.await();
      }
      // the number for this one is that of another kept text
      assertEquals(PROMPT.length(), m.generate("e" + PROMPT, 1).use().reused());
      assertEquals(PROMPT.length(), m.generate("h" + PROMPT, 1).use().reused());
      assertEquals(0, m.generate("d" + PROMPT, 1).use().reused());
      assertEquals(0, m.generate("a" + PROMPT, 1).use().reused());
    }
  }

  /** Of all texts that begin alike the one that does so longest, whether it runs or ended. */
  @ParameterizedTest
  @ValueSource(ints = {1, 1000})
  void theLongestBeginningIsShared(int tokens) throws InterruptedException {
    String common = "thequickbrown";
    List<String> others =
        List.of(common.substring(0, 5) + "yyy", common + "xxx", common.substring(0, 9) + "yyy");
    try (RunningModel m = new RunningModel(8192, 4, 64)) {
      List<Generation> running = new ArrayList<>();
      for (String other : others) {
        CountDownLatch begun = new CountDownLatch(1);
        running.add(
            m.model.generate(RunningModel.request(other, tokens), event -> begun.countDown()));
        begun.await();
        if (tokens == 1) {
          running.getLast().await();
        }
      }
      GenerationResult r = m.generate(common + "ab", 5);
      assertEquals(common.length(), r.use().reused());
      assertEquals(RunningModel.expected(common + "ab", 5), r.tokens());
      for (int i = 0; i < others.size(); i++) {
        assertEquals(RunningModel.expected(others.get(i), tokens), running.get(i).await().tokens());
      }
    }
  }

  @Test
  void reuseCanBeDeclined() throws InterruptedException {
    try (RunningModel m = new RunningModel(128, 2, 16)) {
      m.generate(PROMPT, 10);
      TokenUse use =
          m.model
              .generate(
                  RunningModel.request(PROMPT, 10)
                      .withContext(ContextOptions.DEFAULT.withoutReuse()),
                  TokenSink.NONE)
              .await()
              .use();
      assertEquals(0, use.reused());
      assertEquals(PROMPT.length(), use.prefilled());
    }
  }

  @Test
  void textsUsedLeastRecentlyGiveWayFirst() throws InterruptedException {
    int running = 1;
    try (RunningModel m = new RunningModel(512, running, 16)) {
      int kept = running + RecallProgram.KEPT_TEXTS;
      for (int i = 0; i < kept; i++) {
        m.generate((char) ('a' + i) + PROMPT, 1);
      }
      assertEquals(PROMPT.length(), m.generate("a" + PROMPT, 1).use().reused());
      m.generate("y" + PROMPT, 1);
      assertEquals(PROMPT.length(), m.generate("a" + PROMPT, 1).use().reused());
      assertEquals(0, m.generate("b" + PROMPT, 1).use().reused());
    }
  }

  @Test
  void sequencesShareOneContextAndGiveWayToOlderOnes() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 4, 16, ROOMY)) {
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        generations.add(
            m.model.generate(RunningModel.request((char) ('a' + i) + PROMPT, 40), TokenSink.NONE));
      }
      for (int i = 0; i < 4; i++) {
        assertEquals(
            RunningModel.expected((char) ('a' + i) + PROMPT, 40),
            generations.get(i).await().tokens());
      }
    }
  }

  @Test
  void reportedRowsAreThoseThatWereComputed() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 4, 16, ROOMY)) {
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        String prompt = PROMPT.substring(0, 3 + i) + (char) ('a' + i % 5);
        generations.add(m.model.generate(RunningModel.request(prompt, 20), TokenSink.NONE));
      }
      int rows = 0;
      for (Generation g : generations) {
        rows += g.await().use().computed();
      }
      assertEquals(m.counter("engine.tokens.computed"), rows);
    }
  }

  /** Texts that begin alike, join and leave at random: each as if it were alone. */
  @RepeatedTest(10)
  void manyTextsAtOnceAreWhatTheyAreAlone(RepetitionInfo round) throws InterruptedException {
    SplittableRandom random = new SplittableRandom(round.getCurrentRepetition());
    try (RunningModel m = new RunningModel(300, 64, 32, ROOMY)) {
      List<String> prompts = new ArrayList<>();
      List<Integer> lengths = new ArrayList<>();
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < 128; i++) {
        StringBuilder prompt = new StringBuilder(PROMPT.substring(0, random.nextInt(1, 21)));
        for (int n = random.nextInt(30); n > 0; n--) {
          prompt.append((char) ('a' + random.nextInt(3)));
        }
        prompts.add(prompt.toString());
        lengths.add(random.nextInt(1, 60));
        generations.add(
            m.model.generate(RunningModel.request(prompts.get(i), lengths.get(i)), TokenSink.NONE));
        if (random.nextInt(4) == 0) {
          int done = random.nextInt(generations.size());
          generations.get(done).await();
        }
        if (random.nextInt(10) == 0) {
          generations.get(random.nextInt(generations.size())).cancel();
        }
      }
      int whole = 0;
      for (int i = 0; i < 128; i++) {
        List<Integer> got = generations.get(i).await().tokens();
        List<Integer> expected = RunningModel.expected(prompts.get(i), lengths.get(i));
        assertEquals(expected.subList(0, got.size()), got, prompts.get(i));
        whole += got.size() == expected.size() ? 1 : 0;
      }
      assertTrue(whole > 64, "most were not cancelled");
      assertTrue(m.counter("engine.tokens.reused") > 0);
    }
  }
}
