package dev.serval.api.memory;

/**
 * Bytes used or planned on one device, tier rounding included.
 *
 * @param weightsBytes re-laid, uploaded or copied weights; those read in place from a mapped file
 *     are 0
 * @param kvBytes key/value cache
 * @param activationBytes intermediate values
 * @param stagingBytes step buffers: inputs, outputs, values that cross a cut
 */
public record MemoryUse(long weightsBytes, long kvBytes, long activationBytes, long stagingBytes) {

  /** Nothing. */
  public static final MemoryUse NONE = new MemoryUse(0, 0, 0, 0);

  /** The sum of all parts. */
  public long totalBytes() {
    return Math.addExact(
        Math.addExact(weightsBytes, kvBytes), Math.addExact(activationBytes, stagingBytes));
  }

  /** The parts of both added up. */
  public MemoryUse plus(MemoryUse other) {
    return new MemoryUse(
        Math.addExact(weightsBytes, other.weightsBytes),
        Math.addExact(kvBytes, other.kvBytes),
        Math.addExact(activationBytes, other.activationBytes),
        Math.addExact(stagingBytes, other.stagingBytes));
  }
}
