package dev.serval.api.runtime;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Takes the events of one generation, in order, on a virtual thread of its own. It may block: a
 * slow consumer delays its own sequence only, and is given up after a minute without progress. An
 * exception ends its own generation as {@link FinishReason#CANCELLED}.
 */
@ConsumerType
@FunctionalInterface
public interface TokenSink {

  /** A sink that takes no notice. */
  TokenSink NONE = event -> {};

  /** Takes an event. */
  void accept(TokenEvent event);
}
