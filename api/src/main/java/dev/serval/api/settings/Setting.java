package dev.serval.api.settings;

import dev.serval.api.memory.ByteSize;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The table of everything that can be set. Each has one name in four places: the property of a
 * configuration ({@link #key}, in the configuration of {@link #pid}), the environment variable
 * ({@link #environment}), the option of the command line ({@link #flag}), and the system property,
 * which is what the command line sets and is called like the key. {@code docs/settings.md} lists
 * them; a test compares.
 */
public enum Setting {
  /** Seconds until a step that has not ended counts as lost. */
  STEP_TIMEOUT(
      "serval.step.timeout.seconds",
      Setting.ENGINE,
      new Whole(1, 86_400),
      "60",
      Applied.LIVE,
      "Seconds after which a step that has not ended counts as lost"),
  /** Seconds a consumer may make no progress. */
  CONSUMER_TIMEOUT(
      "serval.consumer.timeout.seconds",
      Setting.ENGINE,
      new Whole(1, 86_400),
      "60",
      Applied.LIVE,
      "Seconds without progress after which a consumer is given up; for new generations"),
  /** Bytes held for a consumer that is behind. */
  CONSUMER_RING(
      "serval.consumer.ring.bytes",
      Setting.ENGINE,
      new Bytes(4096, 1 << 30),
      "256K",
      Applied.LIVE,
      "Memory for what a consumer has not taken yet; for new generations"),
  /** Requests that may wait. */
  QUEUE_BOUND(
      "serval.queue.bound",
      Setting.ENGINE,
      new Whole(1, 1_000_000),
      "256",
      Applied.LIVE,
      "Requests of one model that may wait for a place; more are refused"),
  /** Which steps are checked before they are computed. */
  VALIDATION(
      "serval.validation",
      Setting.ENGINE,
      new Choice(List.of("full", "once", "off")),
      "full",
      Applied.LIVE,
      "Steps that are checked before they are computed: all, the first of each shape, none"),
  /** Whether times within steps are measured. */
  METRICS_TIME(
      "serval.metrics.time",
      Setting.ENGINE,
      new Choice(List.of("on", "off")),
      "on",
      Applied.LIVE,
      "Whether the time of matmul and attention is measured"),
  /** Context length of models whose request states none. */
  CONTEXT(
      "serval.context.length",
      Setting.ENGINE,
      new Whole(1, Integer.MAX_VALUE),
      "16384",
      Applied.NEXT_LOAD,
      "Tokens a sequence may hold, at most as many as the model was trained for"),
  /** Generations at once. */
  PARALLEL(
      "serval.parallel",
      Setting.ENGINE,
      new Whole(1, 64),
      "4",
      Applied.NEXT_LOAD,
      "Generations of one model that run at once"),
  /** Prompt tokens per step. */
  CHUNK(
      "serval.chunk.tokens",
      Setting.ENGINE,
      new Whole(1, 1 << 20),
      "256",
      Applied.NEXT_LOAD,
      "Prompt tokens computed in one step"),
  /** Element type of caches. */
  KV_TYPE(
      "serval.kv.type",
      Setting.ENGINE,
      new Choice(List.of("f32", "f16", "q8_0", "q4_0")),
      "f16",
      Applied.NEXT_LOAD,
      "Element type of the cache, as far as the backend has it"),
  /** Positions kept beyond windows. */
  WINDOW_MEMORY(
      "serval.window.memory",
      Setting.ENGINE,
      new Whole(0, Integer.MAX_VALUE),
      "512",
      Applied.NEXT_LOAD,
      "Positions kept beyond each window, so that a text may go back as far at no cost"),
  /** Memory for copies of windows. */
  CHECKPOINT_MEMORY(
      "serval.checkpoint.memory",
      Setting.ENGINE,
      new Bytes(0, 1L << 50),
      "1G",
      Applied.NEXT_LOAD,
      "Memory of a model for copies of windows, from which texts go on that go back further"),
  /** How weights come into memory. */
  LOAD_MODE(
      "serval.load.mode",
      Setting.ENGINE,
      new Choice(List.of("map", "copy")),
      "map",
      Applied.NEXT_LOAD,
      "Weights used as the file has them stay in the mapped file, or are copied"),
  /** Memory kept for later leases. */
  MEMORY_RETAINED(
      "serval.memory.retained",
      Setting.ENGINE,
      new Bytes(0, 1L << 50),
      "16M",
      Applied.LIVE,
      "Memory that each tier of the pool keeps for later leases"),
  /** Leases that are tracked. */
  MEMORY_TRACK(
      "serval.memory.track",
      Setting.ENGINE,
      new Whole(0, Integer.MAX_VALUE),
      "128",
      Applied.LIVE,
      "One lease of so many is tracked until its holder gives it back; 1 for all, 0 for none"),
  /** Compute threads of the CPU backend. */
  CPU_THREADS(
      "serval.cpu.threads",
      Setting.CPU,
      new Whole(1, 1024),
      "",
      Applied.RESTART,
      "Compute threads of the CPU backend; one per available core if not set");

  /** Configuration of the engine. */
  public static final String ENGINE = "dev.serval.engine";

  /** Configuration of the CPU backend. */
  public static final String CPU = "dev.serval.backend.cpu";

  private static final String PREFIX = "serval.";

  /** When a change takes effect. */
  public enum Applied {
    /** At once, models that are loaded included. */
    LIVE,
    /** For models loaded from then on. */
    NEXT_LOAD,
    /** When the service starts anew, which a change of its configuration causes. */
    RESTART
  }

  /** What values there are. */
  public sealed interface Kind {

    /** The value in its one form, or nothing if the text is none. */
    Optional<String> read(String text);
  }

  /**
   * A whole number.
   *
   * @param least the least
   * @param most the most
   */
  public record Whole(long least, long most) implements Kind {
    @Override
    public Optional<String> read(String text) {
      try {
        long n = Long.parseLong(text);
        return n < least || n > most ? Optional.empty() : Optional.of(Long.toString(n));
      } catch (NumberFormatException e) {
        return Optional.empty();
      }
    }

    @Override
    public String toString() {
      return "a whole number from " + least + " to " + most;
    }
  }

  /**
   * A size in bytes such as {@code 256K}.
   *
   * @param least the least
   * @param most the most
   */
  public record Bytes(long least, long most) implements Kind {
    @Override
    public Optional<String> read(String text) {
      try {
        long n = ByteSize.parse(text);
        return n < least || n > most ? Optional.empty() : Optional.of(Long.toString(n));
      } catch (IllegalArgumentException e) {
        return Optional.empty();
      }
    }

    @Override
    public String toString() {
      return "a size from " + ByteSize.format(least) + " to " + ByteSize.format(most);
    }
  }

  /**
   * One of some words, in any case.
   *
   * @param words the words
   */
  public record Choice(List<String> words) implements Kind {
    /** Copies the list. */
    public Choice {
      words = List.copyOf(words);
    }

    @Override
    public Optional<String> read(String text) {
      String word = text.toLowerCase(Locale.ROOT);
      return words.contains(word) ? Optional.of(word) : Optional.empty();
    }

    @Override
    public String toString() {
      return "one of " + String.join(", ", words);
    }
  }

  private final String key;
  private final String pid;

  @SuppressWarnings("ImmutableEnumChecker") // every kind is a record of numbers or copied words
  private final Kind kind;

  private final String fallback;
  private final Applied applied;
  private final String description;

  Setting(String key, String pid, Kind kind, String fallback, Applied applied, String description) {
    this.key = key;
    this.pid = pid;
    this.kind = kind;
    this.fallback = fallback;
    this.applied = applied;
    this.description = description;
  }

  /** Name of the property in a configuration, and of the system property. */
  public String key() {
    return key;
  }

  /** The configuration it belongs to. */
  public String pid() {
    return pid;
  }

  /** What values there are. */
  public Kind kind() {
    return kind;
  }

  /** The value if nobody sets one; empty if that depends on the machine. */
  public String fallback() {
    return fallback;
  }

  /** When a change takes effect. */
  public Applied applied() {
    return applied;
  }

  /** What it is, in one sentence. */
  public String description() {
    return description;
  }

  /** The environment variable: the key in capitals, with underscores. */
  public String environment() {
    return key.toUpperCase(Locale.ROOT).replace('.', '_');
  }

  /** The option of the command line. */
  public String flag() {
    return switch (this) {
      case CONTEXT -> "--num-ctx";
      case LOAD_MODE -> "--load";
      case CPU_THREADS -> "--threads";
      default -> "--" + key.substring(PREFIX.length()).replace('.', '-');
    };
  }
}
