package dev.serval.api.runtime;

import java.util.List;
import java.util.OptionalInt;

/**
 * What to generate.
 *
 * @param prompt what it starts from
 * @param sampling how tokens are drawn
 * @param maxTokens tokens to generate at most; −1 for as many as the context holds
 * @param stop texts that end the generation; they are not part of the result
 * @param ignoreEnd whether tokens that end a generation are never drawn
 * @param context what happens when the context is full, and to what it holds already
 * @param output what comes out
 */
public record GenerateRequest(
    Prompt prompt,
    SamplingOptions sampling,
    int maxTokens,
    List<String> stop,
    boolean ignoreEnd,
    ContextOptions context,
    OutputOptions output) {

  /** Copies the list. */
  public GenerateRequest {
    stop = List.copyOf(stop);
    if (maxTokens < -1) {
      throw new IllegalArgumentException("maxTokens must be -1 or more: " + maxTokens);
    }
    if (stop.contains("")) {
      throw new IllegalArgumentException("a stop text must not be empty");
    }
  }

  /** A request for any text, without log-probabilities. */
  public GenerateRequest(
      Prompt prompt,
      SamplingOptions sampling,
      int maxTokens,
      List<String> stop,
      boolean ignoreEnd,
      ContextOptions context) {
    this(prompt, sampling, maxTokens, stop, ignoreEnd, context, OutputOptions.DEFAULT);
  }

  /** A request with default sampling, no limit and no stop texts. */
  public static GenerateRequest of(Prompt prompt) {
    return new GenerateRequest(
        prompt, SamplingOptions.DEFAULT, -1, List.of(), false, ContextOptions.DEFAULT);
  }

  /** The same with other sampling. */
  public GenerateRequest withSampling(SamplingOptions options) {
    return new GenerateRequest(prompt, options, maxTokens, stop, ignoreEnd, context, output);
  }

  /** The same with a limit. */
  public GenerateRequest withMaxTokens(int n) {
    return new GenerateRequest(prompt, sampling, n, stop, ignoreEnd, context, output);
  }

  /** The same with stop texts. */
  public GenerateRequest withStop(List<String> texts) {
    return new GenerateRequest(prompt, sampling, maxTokens, texts, ignoreEnd, context, output);
  }

  /** The same without drawing tokens that end a generation. */
  public GenerateRequest ignoringEnd() {
    return new GenerateRequest(prompt, sampling, maxTokens, stop, true, context, output);
  }

  /** The same with other handling of the context. */
  public GenerateRequest withContext(ContextOptions options) {
    return new GenerateRequest(prompt, sampling, maxTokens, stop, ignoreEnd, options, output);
  }

  /** The same with a format that the text must have. */
  public GenerateRequest withFormat(OutputFormat format) {
    return withOutput(new OutputOptions(format, output.topLogprobs()));
  }

  /**
   * The same with log-probabilities of each token.
   *
   * @param top how many of the most likely tokens to tell besides the one drawn
   */
  public GenerateRequest withLogprobs(int top) {
    return withOutput(new OutputOptions(output.format(), OptionalInt.of(top)));
  }

  private GenerateRequest withOutput(OutputOptions options) {
    return new GenerateRequest(prompt, sampling, maxTokens, stop, ignoreEnd, context, options);
  }
}
