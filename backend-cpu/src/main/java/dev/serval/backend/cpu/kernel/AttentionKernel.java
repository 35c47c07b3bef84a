package dev.serval.backend.cpu.kernel;

/**
 * Attention of some query rows of one sequence over one key/value head, with a running softmax over
 * blocks of {@link #BLOCK} positions aligned to position 0, visited in ascending order. Which rows
 * are computed together, and where keys lie, does not change any bit.
 *
 * <p>Thread-safe: no state but the scratch memory, which each thread owns.
 */
public interface AttentionKernel {

  /** Positions per block. */
  int BLOCK = 64;

  /** Query rows per call at most. */
  int MAX_ROWS = 16;

  /** Bytes of scratch memory per thread. */
  long scratchBytes(int headsPerGroup, int keyDim, int valueDim);

  /** Computes one task. */
  void attend(AttentionTask task);
}
