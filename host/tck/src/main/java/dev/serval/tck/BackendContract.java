package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.Device;

/**
 * What all contracts of backends have in common. A concrete subclass in the backend's module only
 * supplies the backend.
 */
public abstract class BackendContract {

  /** For subclasses. */
  protected BackendContract() {}

  /** The backend to examine, the same one each time or a new one. */
  protected abstract Backend backend();

  /** The device to examine it on: its best. */
  protected final Device device() {
    return backend().devices().devices().getFirst();
  }
}
