package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.Device;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What all contracts of backends have in common. A concrete subclass in the backend's module only
 * supplies the backend.
 */
public abstract class BackendContract {

  /** For subclasses. */
  protected BackendContract() {}

  /** The backend to examine, the same one each time or a new one. */
  protected abstract Backend backend();

  /**
   * Every how many-th case of the long lists of cases is run: 1 for a backend that computes, more
   * for one that passes on what another, examined elsewhere, computes.
   */
  protected int stride() {
    return 1;
  }

  /** Whether a row's bits depend on that row only. Backends that sum in no fixed order say no. */
  protected boolean sameBits() {
    return true;
  }

  /** The cases of a long list that are run. */
  final <T> Stream<T> chosen(List<T> cases) {
    return IntStream.range(0, cases.size()).filter(i -> i % stride() == 0).mapToObj(cases::get);
  }

  /** The device to examine it on: its best. */
  protected final Device device() {
    return backend().devices().devices().getFirst();
  }
}
