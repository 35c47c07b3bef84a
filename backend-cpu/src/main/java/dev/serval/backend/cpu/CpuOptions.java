package dev.serval.backend.cpu;

import dev.serval.backend.cpu.kernel.KernelSet;

/**
 * How a {@link CpuBackend} computes. No option changes a bit of any result.
 *
 * @param threads threads that compute together, at least 1
 * @param kernels implementation of the kernels
 */
public record CpuOptions(int threads, KernelSet kernels) {

  /** Checks the number of threads. */
  public CpuOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be positive: " + threads);
    }
  }
}
