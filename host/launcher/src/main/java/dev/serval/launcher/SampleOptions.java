package dev.serval.launcher;

import dev.serval.api.runtime.SamplingOptions;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of how tokens are drawn. */
final class SampleOptions {

  private static final SamplingOptions DEFAULT = SamplingOptions.DEFAULT;

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

  @Option(names = "--repeat-penalty", paramLabel = "X", description = "default 1, none")
  private float repeatPenalty = DEFAULT.repeatPenalty();

  @Option(names = "--presence-penalty", paramLabel = "X", description = "default 0")
  private float presencePenalty = DEFAULT.presencePenalty();

  @Option(names = "--frequency-penalty", paramLabel = "X", description = "default 0")
  private float frequencyPenalty = DEFAULT.frequencyPenalty();

  @Option(names = "--seed", paramLabel = "N", description = "start of the random numbers")
  private @Nullable Long seed;

  /** The options as the runtime takes them. */
  SamplingOptions options() {
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
}
