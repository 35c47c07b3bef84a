package dev.serval.api.runtime;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.text.Tokenizer;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** A loaded model. Thread-safe; several generations may run at once. */
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
   * @throws RequestRejectedException if the request cannot be served as it is
   */
  Generation generate(GenerateRequest request, TokenSink sink);

  /**
   * Computes the logits after each token of a text, and waits for it.
   *
   * @param ids the text from position 0
   * @throws RequestRejectedException if an id is unknown or the text does not fit the context
   * @throws InterruptedException if the waiting thread is interrupted; the work is abandoned
   */
  void logits(int[] ids, LogitsSink sink) throws InterruptedException;

  /** Counters of this model. */
  MetricsSnapshot metrics();

  /** Ends all generations as cancelled and frees everything. */
  @Override
  void close();
}
