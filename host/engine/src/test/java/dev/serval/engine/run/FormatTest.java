package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.OutputFormat;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenLogprobs;
import dev.serval.api.runtime.TokenSink;
import dev.serval.engine.recall.LetterTokenizer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Generations whose text must match a grammar, and log-probabilities, on a running model. */
@Timeout(60)
class FormatTest {

  private static GenerationResult generate(String grammar, int maxTokens)
      throws InterruptedException {
    try (RunningModel running = new RunningModel(64, 2, 16)) {
      return running.model.generate(request(grammar, maxTokens), TokenSink.NONE).await();
    }
  }

  private static GenerateRequest request(String grammar, int maxTokens) {
    return RunningModel.request("prompt", maxTokens).withFormat(new OutputFormat.Grammar(grammar));
  }

  @Test
  void drawsWhatTheGrammarAllowsAndEndsWithIt() throws InterruptedException {
    GenerationResult result = generate("root ::= [abc]{5} \"z\"", 30);

    assertTrue(result.text().matches("[abc]{5}z"), result.text());
    assertEquals(FinishReason.END, result.finish());
  }

  @Test
  void leadsTheTextToItsEndWhereTokensRunOut() throws InterruptedException {
    GenerationResult result = generate("root ::= [ab]{3,} \"z\"", 10);

    assertTrue(result.text().matches("[ab]{9}z"), result.text());
    assertEquals(FinishReason.GRAMMAR_BUDGET, result.finish());
  }

  @Test
  void saysWhetherATextThatIsCutIsComplete() throws InterruptedException {
    assertEquals(FinishReason.GRAMMAR_BUDGET, generate("root ::= [a-z]+", 7).finish());
    assertEquals(FinishReason.LENGTH, generate("root ::= [a-z]{20}", 7).finish());
  }

  @Test
  void endsWithTheContext() throws InterruptedException {
    GenerationResult result = generate("root ::= [ab]* \"z\"", -1);

    assertEquals(64 - "prompt".length(), result.tokens().size());
    assertTrue(result.text().endsWith("z"), result.text());
  }

  @Test
  void failsWhereTheVocabularyEnds() {
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> generate("root ::= [ab]{3} \"!\"", 9));

    assertEquals(Reason.GRAMMAR_DEAD_END, e.reason());
  }

  @Test
  void refusesAGrammarBeforeItIsQueued() {
    try (RunningModel running = new RunningModel(64, 2, 16)) {
      RequestRejectedException e =
          assertThrows(
              RequestRejectedException.class,
              () -> running.model.generate(request("root ::= other", 9), TokenSink.NONE));
      assertEquals(Reason.GRAMMAR_INVALID, e.reason());
      e =
          assertThrows(
              RequestRejectedException.class,
              () ->
                  running.model.generate(
                      request("", 9).withFormat(new OutputFormat.JsonSchema("{\"not\":1}")),
                      TokenSink.NONE));
      assertEquals(Reason.GRAMMAR_INVALID, e.reason());
      assertEquals(0, running.counter("engine.generations"));
    }
  }

  @Test
  void anyTextIsTheSameWithAndWithoutAGrammarForIt() throws InterruptedException {
    try (RunningModel running = new RunningModel(64, 2, 16)) {
      for (SamplingOptions sampling :
          List.of(
              SamplingOptions.GREEDY,
              SamplingOptions.DEFAULT.withSeed(5),
              new SamplingOptions(
                  1.5f, 0, 1, 0, 64, 1.2f, 0.1f, 0.1f, java.util.OptionalLong.of(3)))) {
        GenerateRequest free = RunningModel.request("prompt", 20).withSampling(sampling);
        assertEquals(
            running.model.generate(free, TokenSink.NONE).await().text(),
            running
                .model
                .generate(
                    free.withFormat(new OutputFormat.Grammar("root ::= ([a-z] | <[1]>)*")),
                    TokenSink.NONE)
                .await()
                .text());
      }
    }
  }

  @Test
  void tellsHowLikelyEachTokenWas() throws InterruptedException {
    try (RunningModel running = new RunningModel(64, 2, 16)) {
      List<TokenEvent> events = new ArrayList<>();
      GenerateRequest request = RunningModel.request("prompt", 5);
      GenerationResult result =
          running.model.generate(request.withLogprobs(3), events::add).await();
      GenerationResult plain = running.generate("prompt", 5);

      assertEquals(plain.tokens(), result.tokens());
      assertEquals(List.of(), plain.logprobs());
      assertEquals(5, result.logprobs().size());
      for (int i = 0; i < 5; i++) {
        TokenLogprobs p = result.logprobs().get(i);
        assertEquals(3, p.top().size());
        assertEquals(result.tokens().get(i), p.top().getFirst().token());
        assertEquals(p.logprob(), p.top().getFirst().logprob());
        assertTrue(p.logprob() <= 0 && p.logprob() >= p.top().getLast().logprob());
        assertEquals(p, events.get(i).logprobs().orElseThrow());
      }
    }
  }

  @Test
  void logprobsAreThoseOfTheModelWhateverTheGrammar() throws InterruptedException {
    try (RunningModel running = new RunningModel(64, 2, 16)) {
      GenerationResult result =
          running
              .model
              .generate(request("root ::= \"q\"", 5).withLogprobs(1), TokenSink.NONE)
              .await();

      TokenLogprobs p = result.logprobs().getFirst();
      assertEquals(List.of(LetterTokenizer.id('q')), result.tokens());
      assertTrue(p.logprob() < p.top().getFirst().logprob());
    }
  }
}
