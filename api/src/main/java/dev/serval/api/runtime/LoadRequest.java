package dev.serval.api.runtime;

import dev.serval.api.tensor.DataType;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What to load and how.
 *
 * @param path the model file
 * @param contextLength tokens a sequence may hold; absent for min(16384, trained)
 * @param kvType element type of the cache: F32, F16, Q8_0 or Q4_0; the last two for models whose
 *     heads are multiples of 32 elements only
 * @param exact whether activations and cache stay F32 throughout
 * @param maxSequences generations that may run at once, 1 to 64; texts of an embedding model take
 *     no memory of their own, so up to 64 share a step whatever this says
 * @param chunkTokens prompt tokens computed in one step; an embedding model never splits a text and
 *     takes as many as the context holds, if that is more
 * @param backend name of the backend to use; absent for the best
 * @param loadMode how weights that are used as the file has them come into memory
 * @param cache what is kept of texts for later ones
 * @param inspection values on the way that somebody looks at; absent, as a rule, at no cost
 */
public record LoadRequest(
    Path path,
    OptionalInt contextLength,
    DataType kvType,
    boolean exact,
    int maxSequences,
    int chunkTokens,
    Optional<String> backend,
    LoadMode loadMode,
    CacheOptions cache,
    Optional<TensorInspection> inspection) {

  /** Context length unless told otherwise, if the model was trained for as much. */
  public static final int DEFAULT_CONTEXT = 16384;

  /** Prompt tokens per step unless told otherwise. */
  public static final int DEFAULT_CHUNK = 256;

  /** Checks ranges. */
  public LoadRequest {
    if (contextLength.isPresent() && contextLength.getAsInt() < 1) {
      throw new IllegalArgumentException(
          "contextLength must be positive: " + contextLength.getAsInt());
    }
    if (maxSequences < 1 || maxSequences > 64) {
      throw new IllegalArgumentException("maxSequences must be 1..64: " + maxSequences);
    }
    if (chunkTokens < 1) {
      throw new IllegalArgumentException("chunkTokens must be positive: " + chunkTokens);
    }
  }

  /** The defaults for a file. */
  public static LoadRequest of(Path path) {
    return new LoadRequest(
        path,
        OptionalInt.empty(),
        DataType.F16,
        false,
        4,
        DEFAULT_CHUNK,
        Optional.empty(),
        LoadMode.MAP,
        CacheOptions.DEFAULT,
        Optional.empty());
  }

  /** The same with a context length. */
  public LoadRequest withContextLength(int tokens) {
    return new LoadRequest(
        path,
        OptionalInt.of(tokens),
        kvType,
        exact,
        maxSequences,
        chunkTokens,
        backend,
        loadMode,
        cache,
        inspection);
  }

  /** The same with another cache type. */
  public LoadRequest withKvType(DataType type) {
    return new LoadRequest(
        path,
        contextLength,
        type,
        exact,
        maxSequences,
        chunkTokens,
        backend,
        loadMode,
        cache,
        inspection);
  }

  /** The same with F32 activations and cache. */
  public LoadRequest exactly() {
    return new LoadRequest(
        path,
        contextLength,
        DataType.F32,
        true,
        maxSequences,
        chunkTokens,
        backend,
        loadMode,
        cache,
        inspection);
  }

  /** The same for that many generations at once. */
  public LoadRequest withMaxSequences(int n) {
    return new LoadRequest(
        path, contextLength, kvType, exact, n, chunkTokens, backend, loadMode, cache, inspection);
  }

  /** The same with another chunk size. */
  public LoadRequest withChunkTokens(int n) {
    return new LoadRequest(
        path, contextLength, kvType, exact, maxSequences, n, backend, loadMode, cache, inspection);
  }

  /** The same on one backend. */
  public LoadRequest onBackend(String name) {
    return new LoadRequest(
        path,
        contextLength,
        kvType,
        exact,
        maxSequences,
        chunkTokens,
        Optional.of(name),
        loadMode,
        cache,
        inspection);
  }

  /** The same, with weights brought into memory in another way. */
  public LoadRequest withLoadMode(LoadMode mode) {
    return new LoadRequest(
        path,
        contextLength,
        kvType,
        exact,
        maxSequences,
        chunkTokens,
        backend,
        mode,
        cache,
        inspection);
  }

  /** The same, keeping more or less of texts for later ones. */
  public LoadRequest withCache(CacheOptions options) {
    return new LoadRequest(
        path,
        contextLength,
        kvType,
        exact,
        maxSequences,
        chunkTokens,
        backend,
        loadMode,
        options,
        inspection);
  }

  /** The same, with somebody looking at values on the way. */
  public LoadRequest withInspection(TensorInspection who) {
    return new LoadRequest(
        path,
        contextLength,
        kvType,
        exact,
        maxSequences,
        chunkTokens,
        backend,
        loadMode,
        cache,
        Optional.of(who));
  }
}
