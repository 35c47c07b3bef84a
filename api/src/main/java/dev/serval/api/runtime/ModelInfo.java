package dev.serval.api.runtime;

import dev.serval.api.memory.MemoryUse;
import java.util.List;
import java.util.Optional;

/**
 * What was loaded, and how.
 *
 * @param name name from the file, or the file's name
 * @param architecture {@code general.architecture} after repair
 * @param parameters number of weights
 * @param fileBytes size of the tensors in the file
 * @param embedding what it makes of texts, if it embeds them; absent if it generates
 * @param vocabSize tokens in the vocabulary
 * @param trainedContext tokens the model was trained on at once
 * @param contextLength tokens a sequence may hold now
 * @param backend name of the backend
 * @param device description of the device
 * @param numericsId identity of the computation
 * @param planned bytes that the plan said, before anything was allocated
 * @param memory bytes leased
 * @param loadNanos time from request to ready
 * @param load how the weights came into memory
 * @param notes choices that the user should know, such as a clamped context
 */
public record ModelInfo(
    String name,
    String architecture,
    long parameters,
    long fileBytes,
    Optional<EmbeddingInfo> embedding,
    int vocabSize,
    int trainedContext,
    int contextLength,
    String backend,
    String device,
    String numericsId,
    MemoryUse planned,
    MemoryUse memory,
    long loadNanos,
    LoadReport load,
    List<String> notes) {

  /** Copies the list. */
  public ModelInfo {
    notes = List.copyOf(notes);
  }

  /** What the model does. */
  public Capability capability() {
    return embedding.isPresent() ? Capability.EMBED : Capability.GENERATE;
  }
}
