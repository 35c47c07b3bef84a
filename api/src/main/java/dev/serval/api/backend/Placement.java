package dev.serval.api.backend;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Weights of a graph, ready on a device: used in place, re-laid or uploaded. Placements of the same
 * weights, graph and device share their memory by reference count; each is closed once, after the
 * programs compiled from it. Thread-safe.
 */
@ProviderType
public interface Placement extends AutoCloseable {

  /** Where the weights are. */
  Device device();

  /** Bytes leased for re-laid or uploaded weights, tier rounding included. */
  long leasedBytes();

  /** What was re-laid or converted, for reports; empty if everything is used in place. */
  java.util.List<String> notes();

  @Override
  void close();
}
