package dev.serval.api.runtime;

import org.osgi.annotation.versioning.ProviderType;

/** Somebody is told when models come and go, until this is closed. Thread-safe. */
@ProviderType
public interface ModelWatch extends AutoCloseable {

  /** Ends it; a call that is on its way may still arrive. Does nothing the second time. */
  @Override
  void close();
}
