package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenSink;
import dev.serval.engine.recall.LetterTokenizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a caller gets from a model, on a program that recalls what it was told. */
@Timeout(30)
class LoadedModelTest {

  private static final String PROMPT = "thequickbrownfoxjumps";

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 20, 21, 22, 64})
  void chunkSizeChangesNoToken(int chunkTokens) throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 3, chunkTokens)) {
      assertEquals(RunningModel.expected(PROMPT, 30), m.generate(PROMPT, 30).tokens());
    }
  }

  @Test
  void neighboursChangeNoToken() throws InterruptedException {
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      prompts.add(PROMPT.substring(i) + "abc".repeat(i % 3));
    }
    try (RunningModel m = new RunningModel(64, 3, 7)) {
      List<Generation> running = new ArrayList<>();
      for (String prompt : prompts) {
        running.add(m.model.generate(RunningModel.request(prompt, 25), TokenSink.NONE));
      }
      for (int i = 0; i < prompts.size(); i++) {
        assertEquals(RunningModel.expected(prompts.get(i), 25), running.get(i).await().tokens());
      }
    }
  }

  @Test
  void deliversEveryTokenInOrderBeforeAwaitReturns() throws InterruptedException {
    List<TokenEvent> events = Collections.synchronizedList(new ArrayList<>());
    try (RunningModel m = new RunningModel(64, 1, 8)) {
      Generation generation = m.model.generate(RunningModel.request("abc", 40), events::add);
      GenerationResult result = generation.await();
      assertTrue(generation.isDone());
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 40; i++) {
        assertEquals(i, events.get(i).index());
        assertEquals(result.tokens().get(i), events.get(i).token());
        text.append(events.get(i).text());
      }
      assertEquals(40, events.size());
      assertEquals(text.toString(), result.text());
      assertEquals(FinishReason.LENGTH, result.finish());
      assertEquals(3, result.promptTokens());
      assertTrue(result.prefillNanos() > 0 && result.decodeNanos() > 0);
    }
  }

  @Test
  void endsWhenPromptAndTokensFillTheContext() throws InterruptedException {
    try (RunningModel m = new RunningModel(16, 2, 8)) {
      GenerationResult result = m.generate("abcdef", -1);
      assertEquals(FinishReason.CONTEXT_FULL, result.finish());
      assertEquals(RunningModel.expected("abcdef", 10), result.tokens());
      assertEquals(1, m.generate("abcdefghijklmno", -1).tokens().size());
    }
  }

  @Test
  void generatesNothingWhereNothingIsAskedFor() throws InterruptedException {
    try (RunningModel m = new RunningModel(16, 2, 8)) {
      GenerationResult result = m.generate("abcdef", 0);
      assertEquals(FinishReason.LENGTH, result.finish());
      assertEquals(List.of(), result.tokens());
      assertEquals(0, m.counter("engine.steps"));
    }
  }

  @Test
  void neverDrawsWhatTheTokenizerSuppresses() throws InterruptedException {
    int wanted = RunningModel.expected("serval", 1).getFirst();
    LetterTokenizer tokenizer = new LetterTokenizer(wanted);
    try (RunningModel m =
        new RunningModel(64, 1, 8, RunningModel.options(60_000, 60_000), tokenizer)) {
      assertEquals(List.of(), m.generate("serval", 20).tokens(), "the next best ends the text");
      GenerateRequest endless =
          new GenerateRequest(
              Prompt.text("serval"),
              SamplingOptions.GREEDY,
              20,
              List.of(),
              true,
              ContextOptions.DEFAULT);
      List<Integer> tokens = m.model.generate(endless, TokenSink.NONE).await().tokens();
      assertEquals(20, tokens.size());
      assertFalse(tokens.contains(wanted), tokens.toString());
    }
  }

  @Test
  void endsAtAStopTextAndLeavesItOut() throws InterruptedException {
    String text = text(RunningModel.expected(PROMPT, 30));
    String stop = text.substring(9, 12);
    List<TokenEvent> events = Collections.synchronizedList(new ArrayList<>());
    try (RunningModel m = new RunningModel(64, 1, 8)) {
      GenerateRequest request = RunningModel.request(PROMPT, 30).withStop(List.of(stop));
      GenerationResult result = m.model.generate(request, events::add).await();
      assertEquals(FinishReason.STOP, result.finish());
      assertEquals(text.substring(0, text.indexOf(stop)), result.text());
      assertEquals(result.text(), joined(events));
    }
  }

  @Test
  void deliversTextHeldBackForAStopTextThatNeverCame() throws InterruptedException {
    String text = text(RunningModel.expected(PROMPT, 12));
    List<TokenEvent> events = Collections.synchronizedList(new ArrayList<>());
    try (RunningModel m = new RunningModel(64, 1, 8)) {
      String almost = text.substring(10) + "!";
      GenerateRequest request = RunningModel.request(PROMPT, 12).withStop(List.of(almost));
      GenerationResult result = m.model.generate(request, events::add).await();
      assertEquals(FinishReason.LENGTH, result.finish());
      assertEquals(text, result.text());
      assertEquals(text, joined(events));
      assertEquals(new TokenEvent(12, -1, text.substring(10)), events.getLast());
    }
  }

  @Test
  void rejectsPromptsThatCannotBeServed() {
    try (RunningModel m = new RunningModel(16, 2, 8)) {
      assertRejected(m, Prompt.text(""), Reason.PROMPT_EMPTY, "no token");
      assertRejected(
          m, Prompt.text("a".repeat(16)), Reason.PROMPT_TOO_LONG, "16 tokens, the context of 16");
      assertRejected(
          m,
          new Prompt.Tokens(List.of(2, LetterTokenizer.VOCAB)),
          Reason.TOKEN_UNKNOWN,
          "token 1 of the prompt: expected an id of 0..27, got 28");
      assertRejected(m, new Prompt.Tokens(List.of(-1)), Reason.TOKEN_UNKNOWN, "got -1");
      assertRejected(m, Prompt.chat("a"), Reason.OPTION_INVALID, "no chat format");
    }
  }

  private static void assertRejected(RunningModel m, Prompt prompt, Reason reason, String text) {
    RequestRejectedException e =
        assertThrows(
            RequestRejectedException.class,
            () -> m.model.generate(GenerateRequest.of(prompt), TokenSink.NONE));
    assertEquals(reason, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains(text), e.getMessage());
  }

  private static String text(List<Integer> tokens) {
    StringBuilder text = new StringBuilder();
    tokens.forEach(t -> text.append(LetterTokenizer.text(t)));
    return text.toString();
  }

  private static String joined(List<TokenEvent> events) {
    StringBuilder text = new StringBuilder();
    events.forEach(e -> text.append(e.text()));
    return text.toString();
  }
}
