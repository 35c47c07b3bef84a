package dev.serval.backend.cpu;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.Placement;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** One user's share of {@link PlacedWeights}. Thread-safe. */
final class CpuPlacement implements Placement {

  private final Device device;
  private final String digest;
  private final PlacedWeights weights;
  private final Runnable onClose;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * A share.
   *
   * @param digest digest of the graph the weights were placed for
   * @param onClose gives the share back
   */
  CpuPlacement(Device device, String digest, PlacedWeights weights, Runnable onClose) {
    this.device = device;
    this.digest = digest;
    this.weights = weights;
    this.onClose = onClose;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public long leasedBytes() {
    return weights.leasedBytes();
  }

  @Override
  public List<String> notes() {
    return weights.notes();
  }

  /** Digest of the graph the weights were placed for. */
  String digest() {
    return digest;
  }

  /**
   * The weights.
   *
   * @throws IllegalStateException if the placement is closed
   */
  PlacedWeights weights() {
    if (closed.get()) {
      throw new IllegalStateException("the placement is closed");
    }
    return weights;
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      onClose.run();
    }
  }
}
