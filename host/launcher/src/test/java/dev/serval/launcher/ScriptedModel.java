package dev.serval.launcher;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.model.ChatMessage;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.EmbedResult;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.LogitsSink;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.runtime.TokenUse;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Answers with what a test told it, a word a token, and keeps what it was asked. */
final class ScriptedModel implements Model {

  private final int contextLength;
  private final boolean chats;
  private final Deque<String> answers = new ArrayDeque<>();
  private final List<GenerateRequest> requests = new ArrayList<>();
  private Runnable duringAnswer = () -> {};

  ScriptedModel(int contextLength, boolean chats) {
    this.contextLength = contextLength;
    this.chats = chats;
  }

  ScriptedModel answers(String... texts) {
    answers.addAll(List.of(texts));
    return this;
  }

  /** Runs after the first word of each answer. */
  void during(Runnable action) {
    duringAnswer = action;
  }

  List<GenerateRequest> requests() {
    return requests;
  }

  /** The conversation of a request, as {@code user:a assistant:b user:c}. */
  String asked(int request) {
    Prompt.Chat chat = (Prompt.Chat) requests.get(request).prompt();
    return chat.messages().stream()
        .map(m -> m.role().name().toLowerCase(Locale.ROOT) + ":" + m.content())
        .collect(Collectors.joining(" "));
  }

  @Override
  public ModelInfo info() {
    return new ModelInfo(
        "scripted",
        "test",
        1,
        1,
        Optional.empty(),
        1,
        contextLength,
        contextLength,
        "none",
        "none",
        "none",
        MemoryUse.NONE,
        MemoryUse.NONE,
        0,
        LoadReport.NONE,
        List.of());
  }

  @Override
  public Tokenizer tokenizer() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<ChatFormat> chatFormat() {
    return chats ? Optional.of(ScriptedModel::plain) : Optional.empty();
  }

  private static List<TextPart> plain(List<ChatMessage> messages) {
    return messages.stream().map(m -> TextPart.plain(m.content() + " ")).toList();
  }

  @Override
  public int[] tokens(Prompt prompt) {
    List<TextPart> parts =
        switch (prompt) {
          case Prompt.Chat chat -> plain(chat.messages());
          case Prompt.Text text -> text.parts();
          case Prompt.Tokens _ -> List.of();
        };
    return new int[parts.stream().mapToInt(p -> p.text().strip().split("\\s+").length).sum()];
  }

  @Override
  public Generation generate(GenerateRequest request, TokenSink sink) {
    int prompt = tokens(request.prompt()).length;
    if (prompt >= contextLength) {
      throw new RequestRejectedException(Reason.PROMPT_TOO_LONG, prompt + " tokens");
    }
    requests.add(request);
    return new Scripted(answers.remove(), prompt, sink);
  }

  @Override
  public void logits(int[] ids, LogitsSink sink) {
    throw new UnsupportedOperationException();
  }

  @Override
  public EmbedResult embed(EmbedRequest request) {
    throw new UnsupportedOperationException();
  }

  @Override
  public MetricsSnapshot metrics() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}

  /** Speaks while somebody waits for it. */
  private final class Scripted implements Generation {

    private final String answer;
    private final int promptTokens;
    private final TokenSink sink;
    private boolean cancelled;
    private boolean done;

    Scripted(String answer, int promptTokens, TokenSink sink) {
      this.answer = answer;
      this.promptTokens = promptTokens;
      this.sink = sink;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    @Override
    public boolean isDone() {
      return done;
    }

    @Override
    public GenerationResult await() {
      StringBuilder said = new StringBuilder();
      List<Integer> ids = new ArrayList<>();
      FinishReason finish = FinishReason.END;
      for (String word : answer.split("(?<= )")) {
        if (cancelled || promptTokens + ids.size() == contextLength) {
          finish = cancelled ? FinishReason.CANCELLED : FinishReason.CONTEXT_FULL;
          break;
        }
        sink.accept(new TokenEvent(ids.size(), 0, word));
        said.append(word);
        ids.add(0);
        if (ids.size() == 1) {
          duringAnswer.run();
        }
      }
      done = true;
      return new GenerationResult(
          said.toString(),
          ids,
          finish,
          new TokenUse(promptTokens, 0, promptTokens, promptTokens, 0, "", 0, ""),
          1,
          1);
    }
  }
}
