package dev.serval.api.runtime;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ConsumerType;

/** Takes rows of logits on the model's thread; must be quick. */
@ConsumerType
@FunctionalInterface
public interface LogitsSink {

  /**
   * Takes one row.
   *
   * @param index number of the token it follows, from 0
   * @param row [vocabSize] F32 in native order, valid during the call
   */
  void accept(int index, MemorySegment row);
}
