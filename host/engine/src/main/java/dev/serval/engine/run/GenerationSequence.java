package dev.serval.engine.run;

import dev.serval.api.backend.Output;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.TokenLogprobs;
import dev.serval.api.runtime.TokenUse;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.run.PrefixCache.Reuse;
import dev.serval.engine.run.PrefixCache.Shift;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A text that the model continues. Prompt and generated tokens together never exceed the context:
 * the generation ends when they fill it.
 */
final class GenerationSequence extends Sequence {

  /**
   * What a generation is made of.
   *
   * @param maxTokens tokens to generate at most; −1 for as many as fit
   * @param contextLength tokens that prompt and continuation may take
   * @param context what happens when the context is full
   * @param droppedTokens tokens of the prompt that were dropped already
   * @param stallNanos how long a full ring may make no progress
   */
  record Parameters(
      int maxTokens,
      int contextLength,
      ContextOptions context,
      int droppedTokens,
      long stallNanos) {}

  private final Parameters parameters;
  private final Tokenizer tokenizer;
  private final GeneratedText text;
  private final TokenSource source;
  private final RunningGeneration generation;
  private final EventRing ring;
  private final RunnerCounters counters;
  private final long submittedNanos = System.nanoTime();
  private final int givenTokens;

  /** The prompt, less what did not fit. */
  private final int[] prompt;

  /** Tokens of the prompt that are in the context. */
  private int promptTokens;

  private long firstTokenNanos;

  /** What is in the context: the prompt and what follows, less what was dropped. */
  private final int[] history;

  private int length;

  /** What was generated, dropped or not. */
  private int[] generated;

  private int generatedTokens;

  /** Tokens of them that were in the context; fewer only where a text that shifted starts over. */
  private int placed;

  private int shifts;

  /** Shifts since the text started over, if it did. */
  private int shiftsAgain;

  private int dropped;
  private int moved;
  private String shiftMiss = "";
  private int prefilled;
  private @Nullable Reuse reuse;
  private int drawn;
  private boolean ended;

  /** One for each token, if somebody asks for them. */
  private final List<TokenLogprobs> logprobs = new ArrayList<>();

  /**
   * Creates a sequence.
   *
   * @param prompt at least one token, fewer than the context holds
   * @param parameters bounds
   * @param tokenizer says which tokens end the text
   * @param text turns tokens into text
   * @param source draws tokens; gets the prompt too
   * @param generation the caller's side
   * @param counters counters of the model
   */
  GenerationSequence(
      int[] prompt,
      Parameters parameters,
      Tokenizer tokenizer,
      GeneratedText text,
      TokenSource source,
      RunningGeneration generation,
      RunnerCounters counters) {
    this.parameters = parameters;
    this.tokenizer = tokenizer;
    this.text = text;
    this.source = source;
    this.generation = generation;
    this.ring = generation.ring();
    this.counters = counters;
    promptTokens = prompt.length;
    givenTokens = promptTokens + parameters.droppedTokens();
    dropped = parameters.droppedTokens();
    this.prompt = prompt;
    history = Arrays.copyOf(prompt, capacity(parameters, prompt.length));
    generated = new int[history.length - prompt.length];
    length = prompt.length;
    for (int token : prompt) {
      source.acceptPrompt(token);
    }
  }

  /** Tokens that there may be in the end: room for them is made once, not between two steps. */
  private static int capacity(Parameters parameters, int promptTokens) {
    int room = parameters.contextLength() - promptTokens;
    int most = parameters.maxTokens() < 0 ? room : Math.min(room, parameters.maxTokens());
    return promptTokens + most;
  }

  @Override
  void admitted() {
    if (parameters.maxTokens() == 0) {
      finish(FinishReason.LENGTH);
    }
  }

  @Override
  int length() {
    return length;
  }

  @Override
  int token(int position) {
    return history[position];
  }

  @Override
  boolean wants(int position) {
    return position == length - 1 && placed == generatedTokens;
  }

  @Override
  int wanted(int n) {
    return n == remaining() && placed == generatedTokens ? 1 : 0;
  }

  @Override
  boolean isPaused() {
    return ring.isFull();
  }

  @Override
  long patienceNanos() {
    return parameters.stallNanos() - ring.stalledNanos();
  }

  @Override
  Output output() {
    return source.output();
  }

  @Override
  boolean drawsFromAll() {
    return source.drawsFromAll();
  }

  @Override
  void draw(int position, MemorySegment row) {
    drawn = source.draw(row, tokensLeft());
  }

  @Override
  void take(int position, MemorySegment logits) {
    int token = drawn;
    boolean isEnd = tokenizer.isEndOfGeneration(token);
    source.accept(token, isEnd);
    if (firstTokenNanos == 0) {
      firstTokenNanos = System.nanoTime();
    }
    if (isEnd) {
      finish(ended());
      return;
    }
    int index = generatedTokens;
    append(token);
    counters.generatedTokens().increment();
    TokenLogprobs likelihood = source.logprobs();
    if (likelihood != null) {
      logprobs.add(likelihood);
    }
    ring.put(index, token, text.append(token), likelihood);
    if (text.isStopped()) {
      finish(FinishReason.STOP);
    } else if (source.isAtEnd()) {
      finish(ended());
    } else if (generatedTokens == parameters.maxTokens()) {
      finish(source.isComplete() ? FinishReason.GRAMMAR_BUDGET : FinishReason.LENGTH);
    } else if (length == parameters.contextLength() && !isShifting()) {
      finish(source.isComplete() ? FinishReason.GRAMMAR_BUDGET : FinishReason.CONTEXT_FULL);
    }
  }

  /** Why a text ended that its model or its format ended. */
  private FinishReason ended() {
    return source.isLed() ? FinishReason.GRAMMAR_BUDGET : FinishReason.END;
  }

  /** Tokens that may still be drawn. */
  private int tokensLeft() {
    int room = isShifting() ? Integer.MAX_VALUE : parameters.contextLength() - length;
    int wanted = parameters.maxTokens() - generatedTokens;
    return parameters.maxTokens() < 0 ? room : Math.min(room, wanted);
  }

  private void append(int token) {
    history[length++] = token;
    if (generatedTokens == generated.length) {
      generated = Arrays.copyOf(generated, Math.max(64, 2 * generatedTokens));
    }
    generated[generatedTokens++] = token;
    placed++;
  }

  @Override
  void advance(int n) {
    prefilled += Math.clamp(promptTokens - computed(), 0, n);
    super.advance(n);
    if (placed < generatedTokens && computed() == length) {
      history[length++] = generated[placed++];
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A text that shifted starts over with its prompt, so that its rows remember what they did
   * before: what is drawn does not depend on whether it had to give way.
   */
  @Override
  void park() {
    super.park();
    if (isShifting()) {
      System.arraycopy(prompt, 0, history, 0, prompt.length);
      promptTokens = prompt.length;
      length = prompt.length;
      placed = 0;
      shiftsAgain = 0;
      placeAgain();
    }
  }

  /** Places what was generated once, up to where the context is full but for one token. */
  private void placeAgain() {
    int n = Math.min(generatedTokens - placed, parameters.contextLength() - 1 - length);
    System.arraycopy(generated, placed, history, length, n);
    placed += n;
    length += n;
  }

  @Override
  int reusable() {
    return parameters.context().reuse() ? promptTokens - 1 : 0;
  }

  @Override
  void found(Reuse found) {
    reuse = reuse == null ? found : reuse;
  }

  private boolean isShifting() {
    return parameters.context().overflow() == ContextOptions.Overflow.SHIFT;
  }

  @Override
  int kept() {
    return ContextShift.kept(parameters.contextLength(), parameters.context().keep());
  }

  @Override
  int overflow() {
    int context = parameters.contextLength();
    return isShifting() && length == context ? ContextShift.discard(context, kept(), length) : 0;
  }

  @Override
  void dropped(int n, Shift shift) {
    super.dropped(n, shift);
    System.arraycopy(history, kept() + n, history, kept(), length - kept() - n);
    length -= n;
    promptTokens -= Math.clamp(promptTokens - kept(), 0, n);
    if (shiftsAgain == shifts) {
      shifts++;
      dropped += n;
      moved += shift.moved();
    }
    shiftsAgain++;
    shiftMiss = shift.miss().isEmpty() ? shiftMiss : shift.miss();
    placeAgain();
  }

  @Override
  int promptEnd() {
    return promptTokens;
  }

  private void finish(FinishReason reason) {
    CharSequence tail = text.flush();
    if (!tail.isEmpty()) {
      ring.put(generatedTokens, -1, tail);
    }
    long now = System.nanoTime();
    long first = firstTokenNanos == 0 ? now : firstTokenNanos;
    ended = true;
    generation.finished(
        new RunningGeneration.End(
            Arrays.stream(generated, 0, generatedTokens).boxed().toList(),
            text.isStopped() ? FinishReason.STOP : reason,
            use(),
            first - submittedNanos,
            now - first,
            logprobs));
  }

  private TokenUse use() {
    Reuse found = reuse;
    return new TokenUse(
        givenTokens,
        found == null ? 0 : found.tokens(),
        prefilled,
        rows(),
        dropped,
        found == null ? "it was not computed" : found.miss(),
        moved,
        shiftMiss);
  }

  @Override
  boolean isEnded() {
    return ended;
  }

  @Override
  void endCancelled() {
    finish(FinishReason.CANCELLED);
  }

  @Override
  void fail(ServalException failure) {
    ended = true;
    generation.failed(failure);
  }

  @Override
  void failStalled() {
    ended = true;
    generation.giveUp(stalled(parameters.stallNanos()));
  }

  /** The failure of a generation whose consumer made no progress for so long. */
  static RequestRejectedException stalled(long stallNanos) {
    return new RequestRejectedException(
        Reason.CONSUMER_STALLED,
        "the consumer took no event for "
            + TimeUnit.NANOSECONDS.toMillis(stallNanos)
            + " ms while events were waiting");
  }
}
