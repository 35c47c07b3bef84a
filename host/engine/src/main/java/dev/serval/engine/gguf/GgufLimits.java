package dev.serval.engine.gguf;

/**
 * What a file may claim before it is refused. All limits guard memory and time against damaged or
 * hostile files; the defaults lie far above any published model.
 *
 * @param maxKeyValues metadata pairs
 * @param maxTensors tensors
 * @param maxKeyBytes length of a key, in bytes
 * @param maxStringBytes length of any other string, in bytes
 * @param maxArrayElements elements of an array
 * @param maxTensorNameBytes length of a tensor's name, in bytes
 * @param maxAlignment {@code general.alignment}, in bytes
 * @param maxHeaderBytes everything before the tensor data; bounds the heap that metadata can take
 */
public record GgufLimits(
    int maxKeyValues,
    int maxTensors,
    int maxKeyBytes,
    int maxStringBytes,
    int maxArrayElements,
    int maxTensorNameBytes,
    int maxAlignment,
    long maxHeaderBytes) {

  /**
   * The limits for ordinary use. The largest published headers (262,144 tokens with 514,906 merges)
   * take 16 MB.
   */
  public static final GgufLimits DEFAULT =
      new GgufLimits(1 << 16, 1 << 15, 65_535, 1 << 24, 1 << 26, 127, 1 << 16, 1L << 27);

  /** What any header may take, so that every offset in it and every part of it fits an int. */
  static final int MOST_HEADER_BYTES = 1 << 30;

  /** Checks that every limit is positive, and that of the header at most 2^30 bytes. */
  public GgufLimits {
    if (maxKeyValues <= 0
        || maxTensors <= 0
        || maxKeyBytes <= 0
        || maxStringBytes <= 0
        || maxArrayElements <= 0
        || maxTensorNameBytes <= 0
        || maxAlignment <= 0
        || maxHeaderBytes <= 0) {
      throw new IllegalArgumentException("limits must be positive: " + this);
    }
    if (maxHeaderBytes > MOST_HEADER_BYTES) {
      throw new IllegalArgumentException(
          "maxHeaderBytes must be at most " + MOST_HEADER_BYTES + ": " + maxHeaderBytes);
    }
  }
}
