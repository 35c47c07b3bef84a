package dev.serval.tck.far;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.Placement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** A placement of the wrapped backend, made from a {@link WeightsCopy}. Thread-safe. */
final class FarPlacement implements Placement {

  private final FarDevice device;
  private final WeightsCopy copy;
  private final Placement there;
  private final Runnable onClose;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * A placement.
   *
   * @param there made from {@code copy}; closed with this one
   * @param onClose gives up the share in the copy
   */
  FarPlacement(FarDevice device, WeightsCopy copy, Placement there, Runnable onClose) {
    this.device = device;
    this.copy = copy;
    this.there = there;
    this.onClose = onClose;
  }

  /** The device. */
  FarDevice far() {
    return device;
  }

  /** The wrapped backend's placement. */
  Placement there() {
    return there;
  }

  /** Bytes of the copy, tier rounding included. */
  long copyBytes() {
    return copy.leasedBytes();
  }

  @Override
  public Device device() {
    return device.description();
  }

  @Override
  public long leasedBytes() {
    return copy.leasedBytes() + there.leasedBytes();
  }

  @Override
  public List<String> notes() {
    List<String> notes = new ArrayList<>(there.notes());
    notes.add(copy.count() + " tensors copied");
    return notes;
  }

  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      throw new IllegalStateException("the placement is closed already");
    }
    device.cleanUp(there::close);
    onClose.run();
  }
}
