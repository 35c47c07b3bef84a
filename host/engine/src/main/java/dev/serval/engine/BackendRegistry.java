package dev.serval.engine;

import dev.serval.api.backend.Backend;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The backends that are installed now, each with the leases of those who work with it. */
final class BackendRegistry {

  /**
   * A backend and who uses it. While a lease is open the backend's objects may be used, even after
   * it was withdrawn; a withdrawn one is leased no more. Thread-safe.
   */
  static final class Slot {
    private final Backend backend;
    private int leases;
    private boolean withdrawn;

    private Slot(Backend backend) {
      this.backend = backend;
    }

    Backend backend() {
      return backend;
    }

    /** Opens a lease, closed once by {@link #release}; false if the backend was withdrawn. */
    synchronized boolean lease() {
      if (withdrawn) {
        return false;
      }
      leases++;
      return true;
    }

    synchronized void release() {
      leases--;
      notifyAll();
    }

    synchronized boolean isWithdrawn() {
      return withdrawn;
    }

    private synchronized void withdraw() {
      withdrawn = true;
    }

    /**
     * Waits until no lease is open.
     *
     * @param nanos how long
     * @return whether none is
     */
    synchronized boolean awaitUnused(long nanos) throws InterruptedException {
      long deadline = System.nanoTime() + nanos;
      while (leases > 0) {
        long millis = (deadline - System.nanoTime() + 999_999) / 1_000_000;
        if (millis <= 0) {
          return false;
        }
        wait(millis);
      }
      return true;
    }
  }

  private final List<Slot> slots = new CopyOnWriteArrayList<>();

  void add(Backend backend) {
    slots.add(new Slot(backend));
  }

  /** Takes a backend out; the slots it had, which give no further leases. */
  List<Slot> withdraw(Backend backend) {
    List<Slot> gone = slots.stream().filter(s -> s.backend().equals(backend)).toList();
    gone.forEach(Slot::withdraw);
    slots.removeAll(gone);
    return gone;
  }

  /** The backends now, in order of arrival. */
  List<Slot> slots() {
    return List.copyOf(slots);
  }
}
