package dev.serval.launcher;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.ContextOptions.Overflow;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.OutputFormat;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/**
 * Options of what is generated: given on the command line, and changed by name in an interactive
 * session ({@code --top-k} is the parameter {@code top_k}). Confined to one thread.
 */
final class GenerateOptions {

  private static final SamplingOptions DEFAULT = SamplingOptions.DEFAULT;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "system prompt; needs the chat format")
  private String system = "";

  @Option(
      names = "--num-predict",
      paramLabel = "N",
      description = "tokens at most; default -1, until the context is full")
  private int numPredict = -1;

  @Option(names = "--stop", paramLabel = "TEXT", description = "text that ends the generation")
  private List<String> stop = new ArrayList<>();

  @Option(
      names = "--format",
      paramLabel = "json|FILE",
      description = "JSON: any object, or what the JSON Schema in FILE describes")
  private String format = "";

  @Option(
      names = "--grammar",
      paramLabel = "FILE",
      description = "text that matches the grammar in FILE (GBNF)")
  private String grammar = "";

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "0 draws the best token; default 0.8")
  private float temperature = DEFAULT.temperature();

  @Option(names = "--top-k", paramLabel = "N", description = "tokens kept; 0 all; default 40")
  private int topK = DEFAULT.topK();

  @Option(names = "--top-p", paramLabel = "X", description = "probability kept; default 0.9")
  private float topP = DEFAULT.topP();

  @Option(
      names = "--min-p",
      paramLabel = "X",
      description = "least probability relative to the best; default 0")
  private float minP = DEFAULT.minP();

  @Option(
      names = "--repeat-last-n",
      paramLabel = "N",
      description = "tokens the penalties look at; -1 all; default 64")
  private int repeatLastN = DEFAULT.repeatLastN();

  @Option(
      names = "--repeat-penalty",
      paramLabel = "X",
      description = "divides logits of tokens seen; default 1, none")
  private float repeatPenalty = DEFAULT.repeatPenalty();

  @Option(
      names = "--presence-penalty",
      paramLabel = "X",
      description = "subtracted from logits of tokens seen; default 0")
  private float presencePenalty = DEFAULT.presencePenalty();

  @Option(
      names = "--frequency-penalty",
      paramLabel = "X",
      description = "subtracted once per occurrence; default 0")
  private float frequencyPenalty = DEFAULT.frequencyPenalty();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "start of the random numbers; default another one each time")
  private @Nullable Long seed;

  @Option(
      names = "--overflow",
      paramLabel = "HOW",
      description = "too long: refuse (default), truncate-oldest, shift")
  private String overflow = "refuse";

  @Option(
      names = "--num-keep",
      paramLabel = "N",
      description = "leading tokens that are never dropped; default 0")
  private int numKeep = 0;

  /** The system prompt; empty for none. */
  String system() {
    return system;
  }

  /** Tokens to generate at most; −1 for as many as the context holds. */
  int numPredict() {
    return numPredict;
  }

  /** How tokens are drawn. */
  SamplingOptions sampling() {
    return new SamplingOptions(
        temperature,
        topK,
        topP,
        minP,
        repeatLastN,
        repeatPenalty,
        presencePenalty,
        frequencyPenalty,
        seed == null ? OptionalLong.empty() : OptionalLong.of(seed));
  }

  /**
   * A request with these options.
   *
   * @throws RequestRejectedException ({@code OPTION_INVALID}) if one is outside its range
   */
  GenerateRequest request(Prompt prompt) {
    check();
    return GenerateRequest.of(prompt)
        .withSampling(sampling())
        .withMaxTokens(numPredict)
        .withStop(stop)
        .withContext(ContextOptions.DEFAULT.withOverflow(overflow(), numKeep))
        .withFormat(format());
  }

  private Overflow overflow() {
    return switch (overflow) {
      case "refuse" -> Overflow.REFUSE;
      case "truncate-oldest" -> Overflow.TRUNCATE_OLDEST;
      case "shift" -> Overflow.SHIFT;
      default ->
          throw invalid(
              "overflow must be refuse, truncate-oldest or shift, got \"" + overflow + "\"");
    };
  }

  private OutputFormat format() {
    if (!format.isEmpty() && !grammar.isEmpty()) {
      throw invalid("expected a format or a grammar, got both");
    }
    if (!grammar.isEmpty()) {
      return new OutputFormat.Grammar(file("grammar", grammar));
    }
    return switch (format) {
      case "" -> OutputFormat.TEXT;
      case "json" -> OutputFormat.JSON;
      default -> new OutputFormat.JsonSchema(file("format", format));
    };
  }

  private static String file(String option, String path) {
    try {
      return Files.readString(Path.of(path));
    } catch (IOException | InvalidPathException e) {
      throw invalid(option + ": expected a file that can be read, got \"" + path + "\": " + e);
    }
  }

  private void check() {
    if (numPredict < -1) {
      throw invalid("num_predict must be -1 or more, got " + numPredict);
    }
    if (stop.contains("")) {
      throw invalid("stop must not be an empty text");
    }
    if (numKeep < 0) {
      throw invalid("num_keep must be 0 or more, got " + numKeep);
    }
    Objects.requireNonNull(overflow());
    Objects.requireNonNull(sampling()); // its constructor checks its options
    Objects.requireNonNull(format()); // and this reads its file
  }

  /** Every parameter with what it means. */
  Map<String, String> meanings() {
    Map<String, String> meanings = new LinkedHashMap<>();
    options().forEach(o -> meanings.put(parameter(o), String.join(" ", o.description())));
    return meanings;
  }

  /** Every parameter with its value. */
  Map<String, String> values() {
    Map<String, String> values = new LinkedHashMap<>();
    for (OptionSpec option : options()) {
      Object value = option.getValue();
      boolean absent = value == null || value.equals("") || value.equals(List.of());
      values.put(parameter(option), absent ? "none" : String.valueOf(value));
    }
    return values;
  }

  /**
   * Changes a parameter, or leaves all as they are.
   *
   * @param name such as {@code top_k}
   * @param text the value; {@code none} for no seed, an empty text for no stop text
   * @throws RequestRejectedException ({@code OPTION_INVALID}) if there is no such parameter, or the
   *     value is none or outside the range
   */
  void set(String name, String text) {
    OptionSpec option =
        options().stream()
            .filter(o -> parameter(o).equals(name.replace('-', '_')))
            .findFirst()
            .orElseThrow(() ->
                invalid("no parameter \"" + name + "\"; expected one of " + meanings().keySet()));
    Object before = option.getValue();
    option.setValue(value(option, text));
    try {
      check();
    } catch (RequestRejectedException e) {
      option.setValue(before);
      throw e;
    }
  }

  private static @Nullable Object value(OptionSpec option, String text) {
    Class<?> type = option.type();
    try {
      if (type == int.class) {
        return Integer.valueOf(text);
      }
      if (type == float.class) {
        return Float.valueOf(text);
      }
      if (type == Long.class) {
        return text.equals("none") ? null : Long.valueOf(text);
      }
    } catch (NumberFormatException e) {
      throw invalid(
          parameter(option)
              + ": expected "
              + (type == float.class ? "a number" : "a whole number")
              + ", got \""
              + text
              + "\"");
    }
    if (type == List.class) {
      return text.isEmpty() ? List.of() : List.of(text);
    }
    return text;
  }

  /** The options as picocli sees them, bound to this object. */
  private List<OptionSpec> options() {
    return CommandSpec.forAnnotatedObject(this).options();
  }

  private static String parameter(OptionSpec option) {
    return option.longestName().substring(2).replace('-', '_');
  }

  private static RequestRejectedException invalid(String message) {
    return new RequestRejectedException(Reason.OPTION_INVALID, message);
  }
}
