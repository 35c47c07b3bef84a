package dev.serval.launcher;

import dev.serval.api.settings.Setting;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Settings of the runtime that a request does not carry, as options of every command that loads a
 * model. Their values are checked where all places that set them are read.
 */
final class SettingOptions {

  @Option(
      names = "--chunk-tokens",
      paramLabel = "N",
      description = "prompt tokens computed in one step; default 256")
  private @Nullable String chunkTokens;

  @Option(
      names = "--window-memory",
      paramLabel = "N",
      description = "positions kept beyond each window of a model; default 512")
  private @Nullable String windowMemory;

  @Option(
      names = "--checkpoint-memory",
      paramLabel = "SIZE",
      description = "memory for copies of windows; default 1G, 0 for none")
  private @Nullable String checkpointMemory;

  @Option(
      names = "--validation",
      paramLabel = "MODE",
      description = "steps that are checked first: full (default), once, off")
  private @Nullable String validation;

  @Option(
      names = "--metrics-time",
      paramLabel = "on|off",
      description = "whether the time of matmul and attention is measured; default on")
  private @Nullable String metricsTime;

  @Option(
      names = "--step-timeout-seconds",
      paramLabel = "N",
      description = "when a step that has not ended counts as lost; default 60")
  private @Nullable String stepTimeout;

  @Option(
      names = "--consumer-timeout-seconds",
      paramLabel = "N",
      description = "when a consumer without progress is given up; default 60")
  private @Nullable String consumerTimeout;

  @Option(
      names = "--consumer-ring-bytes",
      paramLabel = "SIZE",
      description = "memory for what a consumer has not taken yet; default 256K")
  private @Nullable String consumerRing;

  @Option(
      names = "--queue-bound",
      paramLabel = "N",
      description = "requests that may wait; default 256")
  private @Nullable String queueBound;

  @Option(
      names = "--memory-retained",
      paramLabel = "SIZE",
      description = "memory that each tier of the pool keeps; default 16M")
  private @Nullable String memoryRetained;

  @Option(
      names = "--memory-track",
      paramLabel = "N",
      description = "one lease of so many is tracked; default 128, 0 for none")
  private @Nullable String memoryTrack;

  /** System properties for what was given. */
  Map<String, String> properties() {
    Map<String, String> properties = new HashMap<>();
    put(properties, Setting.CHUNK, chunkTokens);
    put(properties, Setting.WINDOW_MEMORY, windowMemory);
    put(properties, Setting.CHECKPOINT_MEMORY, checkpointMemory);
    put(properties, Setting.MEMORY_RETAINED, memoryRetained);
    put(properties, Setting.MEMORY_TRACK, memoryTrack);
    put(properties, Setting.VALIDATION, validation);
    put(properties, Setting.METRICS_TIME, metricsTime);
    put(properties, Setting.STEP_TIMEOUT, stepTimeout);
    put(properties, Setting.CONSUMER_TIMEOUT, consumerTimeout);
    put(properties, Setting.CONSUMER_RING, consumerRing);
    put(properties, Setting.QUEUE_BOUND, queueBound);
    return properties;
  }

  private static void put(Map<String, String> properties, Setting setting, @Nullable String value) {
    if (value != null) {
      properties.put(setting.key(), value);
    }
  }
}
