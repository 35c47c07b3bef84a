package dev.serval.api.runtime;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.text.Tokenizer;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** A loaded model. Thread-safe; several requests may run at once. */
@ProviderType
public interface Model extends AutoCloseable {

  /** What was loaded, and how. */
  ModelInfo info();

  /** Text to ids and back. */
  Tokenizer tokenizer();

  /** How a conversation becomes a prompt, if the model has such a form. */
  Optional<ChatFormat> chatFormat();

  /** The ids of a prompt as a generation would start from them. */
  int[] tokens(Prompt prompt);

  /**
   * Starts a generation.
   *
   * @param sink takes the events
   * @throws RequestRejectedException if the request cannot be served as it is, or the model does
   *     not generate ({@code CAPABILITY_MISSING})
   */
  Generation generate(GenerateRequest request, TokenSink sink);

  /**
   * Computes the logits after each token of a text, and waits for it.
   *
   * @param ids the text from position 0
   * @throws RequestRejectedException if an id is unknown, the text does not fit the context, or the
   *     model computes no logits ({@code CAPABILITY_MISSING})
   * @throws InterruptedException if the waiting thread is interrupted; the work is abandoned
   */
  void logits(int[] ids, LogitsSink sink) throws InterruptedException;

  /**
   * Turns texts into vectors, and waits for them. Texts of one request, and of several, are
   * computed together where they fit a step; what comes of a text does not depend on its
   * neighbours. If one text fails, the request fails; others are not disturbed.
   *
   * @return the vectors, in the order of the texts
   * @throws RequestRejectedException if the model does not embed ({@code CAPABILITY_MISSING}), a
   *     text is longer than {@link EmbeddingInfo#maxTextTokens} ({@code PROMPT_TOO_LONG}, naming
   *     the text, its tokens and the limit), has no token or an unknown one, or the model is closed
   *     meanwhile
   * @throws InterruptedException if the waiting thread is interrupted; the work is abandoned
   */
  EmbedResult embed(EmbedRequest request) throws InterruptedException;

  /** Counters of this model. */
  MetricsSnapshot metrics();

  /** Ends all generations as cancelled and frees everything. */
  @Override
  void close();
}
