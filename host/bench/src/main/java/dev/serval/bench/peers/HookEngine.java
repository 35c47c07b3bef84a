package dev.serval.bench.peers;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Another engine, by a command of the user's: it is called as {@code COMMAND MODEL THREADS PROMPT
 * GENERATED} and prints lines {@code prefill TOKENS_PER_SECOND} and {@code decode
 * TOKENS_PER_SECOND}, one for each repetition.
 */
final class HookEngine implements Engine {

  private static final Pattern LINE =
      Pattern.compile("^(prefill|decode) ([0-9.]+)$", Pattern.MULTILINE);

  private final Path command;

  /** An engine behind a command. */
  HookEngine(Path command) {
    this.command = command;
  }

  @Override
  public String name() {
    return String.valueOf(command.getFileName());
  }

  @Override
  public Figures measure(Path file, Work work, int threads)
      throws NotMeasuredException, InterruptedException {
    if (!(work instanceof Work.Generate g) || g.depth() > 0) {
      throw new NotMeasuredException("only one generation from an empty cache");
    }
    Program.Ended ended =
        Program.run(
            List.of(
                command.toString(),
                file.toString(),
                Integer.toString(threads),
                Integer.toString(g.prompt()),
                Integer.toString(g.generated())));
    Engine.requireSuccess(ended);
    return new Figures(samples(g, ended.out()), ended.cpuSeconds());
  }

  static Map<String, List<Double>> samples(Work.Generate g, String out) {
    Map<String, List<Double>> samples = new HashMap<>();
    samples.put(g.prefill(), rates(out, "prefill"));
    samples.put(g.decode(), rates(out, "decode"));
    return samples;
  }

  private static List<Double> rates(String out, String test) {
    return LINE.matcher(out)
        .results()
        .filter(m -> m.group(1).equals(test))
        .map(m -> Double.valueOf(m.group(2)))
        .toList();
  }
}
