package dev.serval.engine.run;

import dev.serval.api.settings.Setting;
import dev.serval.api.settings.Settings;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Bounds of a running model, and what it checks and measures.
 *
 * @param stepNanos time after which a step that has not ended counts as lost
 * @param stallNanos time without progress after which a consumer is given up
 * @param ringBytes events held for one consumer before its sequence pauses
 * @param queueBound requests that may wait for a free sequence
 * @param validation which steps are checked
 * @param timing whether the time of a step's parts is measured
 */
public record RunnerOptions(
    long stepNanos,
    long stallNanos,
    int ringBytes,
    int queueBound,
    Validation validation,
    boolean timing) {

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

  /** Bounds; every step is checked and timed. */
  public RunnerOptions(long stepNanos, long stallNanos, int ringBytes, int queueBound) {
    this(stepNanos, stallNanos, ringBytes, queueBound, Validation.FULL, true);
  }

  /** What is set. */
  public static RunnerOptions of(Settings settings) {
    return new RunnerOptions(
        TimeUnit.SECONDS.toNanos(settings.number(Setting.STEP_TIMEOUT)),
        TimeUnit.SECONDS.toNanos(settings.number(Setting.CONSUMER_TIMEOUT)),
        Math.toIntExact(settings.number(Setting.CONSUMER_RING)),
        Math.toIntExact(settings.number(Setting.QUEUE_BOUND)),
        Validation.valueOf(settings.text(Setting.VALIDATION).toUpperCase(Locale.ROOT)),
        settings.text(Setting.METRICS_TIME).equals("on"));
  }
}
