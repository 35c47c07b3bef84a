package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.launcher.LineSource.Input;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ChatSessionTest {

  private static final int LARGE = 1000;

  private final StringWriter out = new StringWriter();
  private final GenerateOptions options = new GenerateOptions();
  private final List<String> prompts = new ArrayList<>();

  private void talk(ScriptedModel model, String... lines) throws InterruptedException {
    talk(session(model, false), Stream.of(lines).map(Input.Line::new).toArray(Input[]::new));
  }

  private void talk(ChatSession session, Input... inputs) throws InterruptedException {
    Deque<Input> left = new ArrayDeque<>(List.of(inputs));
    session.run(prompt -> {
      prompts.add(prompt);
      return left.isEmpty() ? new Input.End() : left.remove();
    });
  }

  private ChatSession session(ScriptedModel model, boolean raw) {
    return new ChatSession(model, options, raw, false, new PrintWriter(out));
  }

  @Test
  void asksWithTheWholeConversation() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("b c", "e");
    talk(model, "a", "d");
    assertEquals("user:a", model.asked(0));
    assertEquals("user:a assistant:b c user:d", model.asked(1));
    assertTrue(out.toString().contains("b c" + System.lineSeparator()), out.toString());
  }

  @Test
  void ignoresEmptyLines() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true);
    talk(model, "", "   ", "\"\"\"\"\"\"");
    assertEquals(List.of(), model.requests());
  }

  @Test
  void endsAtByeWithoutReadingOn() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true);
    talk(model, "/bye", "a");
    assertEquals(1, prompts.size());
    assertEquals(List.of(), model.requests());
  }

  @Test
  void joinsLinesBetweenTripleQuotes() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("x", "y", "z");
    talk(model, "\"\"\"a", "", " b\"\"\"", "\"\"\"one\"\"\"", "\"\"\"pasted\nat once\"\"\"");
    assertEquals("user:a\n\n b", model.asked(0));
    assertTrue(model.asked(1).endsWith("user:one"), model.asked(1));
    assertTrue(model.asked(2).endsWith("user:pasted\nat once"), model.asked(2));
    assertEquals(
        List.of(">>> ", "... ", "... ", ">>> ", ">>> ", ">>> "), prompts, "which prompt is shown");
  }

  @Test
  void givesUpATextOfSeveralLinesWhenInterrupted() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("x");
    talk(
        session(model, false),
        new Input.Line("\"\"\"a"),
        new Input.Interrupt(false),
        new Input.Line("b"));
    assertEquals(1, model.requests().size());
    assertEquals("user:b", model.asked(0));
  }

  @Test
  void changesHowTokensAreDrawn() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("x", "y");
    talk(
        model,
        "a",
        "/set temperature 0.25",
        "/set parameter top-k 3",
        "/set seed 7",
        "/set num_predict 9",
        "/set stop \"END\"",
        "b");
    assertEquals(SamplingOptions.DEFAULT, model.requests().get(0).sampling());
    SamplingOptions sampling = model.requests().get(1).sampling();
    assertEquals(0.25f, sampling.temperature());
    assertEquals(3, sampling.topK());
    assertEquals(7, sampling.seed().orElseThrow());
    assertEquals(SamplingOptions.DEFAULT.topP(), sampling.topP());
    assertEquals(9, model.requests().get(1).maxTokens());
    assertEquals(List.of("END"), model.requests().get(1).stop());
  }

  @Test
  void setsAndClearsTheSystemPrompt() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("x", "y", "z");
    talk(
        model,
        "/set system \"be brief\"",
        "a",
        "/set system \"\"\"two",
        "lines\"\"\"",
        "b",
        "/set system \"\"",
        "c");
    assertEquals("system:be brief user:a", model.asked(0));
    assertEquals("system:two\nlines user:a assistant:x user:b", model.asked(1));
    assertEquals("user:a assistant:x user:b assistant:y user:c", model.asked(2));
  }

  @Test
  void refusesWrongValuesAndKeepsTheOldOnes() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("x");
    talk(
        model,
        "/set temperature warm",
        "/set top_p 2",
        "/set top_k 1.5",
        "/set num_predict -2",
        "/set min_p",
        "/set heat 3",
        "/set",
        "/set num_ctx 8",
        "a");
    assertEquals(SamplingOptions.DEFAULT, model.requests().getFirst().sampling());
    assertEquals(-1, model.requests().getFirst().maxTokens());
    for (String message :
        List.of(
            "temperature: expected a number, got \"warm\"",
            "top_p must be 0..1, got 2.0",
            "top_k: expected a whole number, got \"1.5\"",
            "num_predict must be -1 or more, got -2",
            "min_p: expected a value, got none",
            "no parameter \"heat\"",
            "/set: expected a parameter",
            "num_ctx: fixed at 1000")) {
      assertTrue(
          out.toString().contains("request.option-invalid: " + message), message + " in " + out);
    }
  }

  @Test
  void forgetsTheConversationButNotTheParameters() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("b", "d");
    talk(model, "/set seed 7", "a", "/clear", "c");
    assertEquals("user:c", model.asked(1));
    assertEquals(7, model.requests().get(1).sampling().seed().orElseThrow());
  }

  @Test
  void saysWhichCommandsThereAreAndGoesOn() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("b");
    talk(model, "/nonsense", "a");
    assertTrue(out.toString().contains("no command \"/nonsense\""), out.toString());
    assertTrue(out.toString().contains("/clear"), out.toString());
    assertEquals("user:a", model.asked(0));
  }

  @Test
  void explainsCommandsAndParameters() throws Exception {
    talk(new ScriptedModel(LARGE, true), "/help");
    for (String word : List.of("/show", "/bye", "\"\"\"", "repeat_penalty", "num_predict")) {
      assertTrue(out.toString().contains(word), word + " in " + out);
    }
    assertTrue(out.toString().lines().allMatch(l -> l.length() <= 80), out.toString());
  }

  @Test
  void showsModelParametersAndHowFullTheContextIs() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("b c d");
    talk(model, "/set seed 7", "a", "/show", "/clear", "/show");
    assertTrue(out.toString().contains("scripted (test)"), out.toString());
    assertTrue(out.toString().contains("4 of 1000 tokens used, 1 exchange(s)"), out.toString());
    assertTrue(out.toString().contains("0 of 1000 tokens used, 0 exchange(s)"), out.toString());
    assertTrue(out.toString().matches("(?s).*temperature +0\\.8\\R.*seed +7\\R.*"), out.toString());
  }

  @Test
  void dropsTheOldestExchangeAndSaysSoWhenTheContextIsFull() throws Exception {
    // 16 tokens, of which 4 are kept free for the answer
    ScriptedModel model = new ScriptedModel(16, true).answers("b b b", "d d d", "f", "h");
    talk(model, "a a a", "c c c", "e", "g g g g");
    assertEquals("user:a a a assistant:b b b user:c c c", model.asked(1));
    assertEquals("user:c c c assistant:d d d user:e", model.asked(2));
    assertEquals(1, count("forgot the oldest exchange"), out.toString());
    assertEquals("user:c c c assistant:d d d user:e assistant:f user:g g g g", model.asked(3));
  }

  @Test
  void dropsSeveralExchangesForALongQuestion() throws Exception {
    ScriptedModel model = new ScriptedModel(16, true).answers("b b", "d d", "f");
    talk(model, "a a", "c c", "1 2 3 4 5 6 7 8 9 10 11 12 13");
    assertEquals("user:1 2 3 4 5 6 7 8 9 10 11 12 13", model.asked(2));
    assertEquals(1, count("forgot the oldest 2 exchanges"), out.toString());
  }

  @Test
  void keepsTheConversationWhenAQuestionIsTooLongEvenAlone() throws Exception {
    ScriptedModel model = new ScriptedModel(8, true).answers("b", "d");
    talk(model, "a", "1 2 3 4 5 6 7 8 9", "c");
    assertEquals(1, count("request.prompt-too-long"), out.toString());
    assertEquals(0, count("forgot"), out.toString());
    assertEquals("user:a assistant:b user:c", model.asked(1));
  }

  @Test
  void saysThatTheContextIsFullWhenAnAnswerIsCut() throws Exception {
    ScriptedModel model = new ScriptedModel(8, true).answers("1 2 3 4 5 6 7 8 9 10");
    talk(model, "a");
    assertTrue(out.toString().contains("(the context of 8 tokens is full)"), out.toString());
  }

  @Test
  void keepsWhatWasSaidWhenAnAnswerIsStopped() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("one two three", "four");
    ChatSession session = session(model, false);
    Deque<Runnable> actions = new ArrayDeque<>(List.of(session::interrupt, () -> {}));
    model.during(() -> actions.remove().run());
    talk(session, new Input.Line("a"), new Input.Line("b"));
    assertTrue(out.toString().contains("(stopped)"), out.toString());
    assertFalse(out.toString().contains("three"), out.toString());
    assertEquals("user:a assistant:one  user:b", model.asked(1));
  }

  @Test
  void leavesOutAQuestionThatWasStoppedBeforeAnyAnswer() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers(" nothing", "b");
    ChatSession session = session(model, false);
    Deque<Runnable> actions = new ArrayDeque<>(List.of(session::interrupt, () -> {}));
    model.during(() -> actions.remove().run());
    talk(session, new Input.Line("a"), new Input.Line("c"));
    assertEquals("user:c", model.asked(1));
  }

  @Test
  void doesNotCarryAnInterruptAtThePromptIntoTheNextAnswer() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, true).answers("b c");
    ChatSession session = session(model, false);
    session.interrupt();
    talk(session, new Input.Interrupt(true), new Input.Line("a"));
    assertTrue(out.toString().contains("b c"), out.toString());
    assertFalse(out.toString().contains("(stopped)"), out.toString());
  }

  @Test
  void keepsTerminalCommandsOfAModelFromTheTerminal() throws Exception {
    talk(new ScriptedModel(LARGE, true).answers("\u001b[2Jx\ty\u009b1m\n"), "a");
    assertTrue(out.toString().contains("[2Jx\ty1m\n"), out.toString());
    assertFalse(out.toString().contains("\u001b"), "escape");
  }

  @Test
  void takesEachPromptAsItIsWhenRaw() throws Exception {
    ScriptedModel model = new ScriptedModel(LARGE, false).answers("x", "y");
    talk(
        session(model, true),
        new Input.Line("a"),
        new Input.Line("/set system be brief"),
        new Input.Line("b"));
    assertEquals(Prompt.text("b"), model.requests().get(1).prompt());
    assertTrue(out.toString().contains("system: needs the chat format"), out.toString());
  }

  @Test
  void refusesAModelWithoutChatFormatUnlessRaw() {
    ScriptedModel model = new ScriptedModel(LARGE, false);
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> session(model, false));
    assertTrue(String.valueOf(e.getMessage()).contains("--raw"), e.getMessage());
  }

  private long count(String text) {
    return out.toString().lines().filter(l -> l.contains(text)).count();
  }
}
