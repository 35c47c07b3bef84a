package dev.serval.engine.run;

import java.util.concurrent.TimeUnit;

/**
 * Bounds of a running model.
 *
 * @param stepNanos time after which a step that has not ended counts as lost
 * @param stallNanos time without progress after which a consumer is given up
 * @param ringBytes events held for one consumer before its sequence pauses
 * @param queueBound requests that may wait for a free sequence
 */
public record RunnerOptions(long stepNanos, long stallNanos, int ringBytes, int queueBound) {

  /** Property for {@link #stepNanos}, in seconds. */
  public static final String STEP_PROPERTY = "serval.step.timeout.seconds";

  /** Property for {@link #stallNanos}, in seconds. */
  public static final String STALL_PROPERTY = "serval.consumer.timeout.seconds";

  private static final int DEFAULT_SECONDS = 60;
  private static final int DEFAULT_RING_BYTES = 256 << 10;
  private static final int DEFAULT_QUEUE_BOUND = 256;

  /** Checks that everything is positive. */
  public RunnerOptions {
    if (stepNanos <= 0 || stallNanos <= 0 || ringBytes <= 0 || queueBound <= 0) {
      throw new IllegalArgumentException(
          "stepNanos="
              + stepNanos
              + ", stallNanos="
              + stallNanos
              + ", ringBytes="
              + ringBytes
              + ", queueBound="
              + queueBound);
    }
  }

  /** The defaults, with times from the system properties where they are set. */
  public static RunnerOptions fromProperties() {
    return new RunnerOptions(
        TimeUnit.SECONDS.toNanos(Integer.getInteger(STEP_PROPERTY, DEFAULT_SECONDS)),
        TimeUnit.SECONDS.toNanos(Integer.getInteger(STALL_PROPERTY, DEFAULT_SECONDS)),
        DEFAULT_RING_BYTES,
        DEFAULT_QUEUE_BOUND);
  }
}
