package dev.serval.bench.peers;

import static dev.serval.bench.peers.Engine.number;
import static dev.serval.bench.peers.Engine.numbers;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Serval, by {@code serval bench}. */
final class ServalEngine implements Engine {

  private final Path program;

  /**
   * An engine.
   *
   * @param program the start script
   */
  ServalEngine(Path program) {
    this.program = program;
  }

  @Override
  public String name() {
    return "serval";
  }

  /** Lines of {@code serval doctor} that say on what is measured. */
  List<String> machine() throws InterruptedException {
    return Program.run(List.of(program.toString(), "doctor")).out().lines().toList();
  }

  @Override
  public Figures measure(Path file, Work work, int threads)
      throws NotMeasuredException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of(program.toString(), "bench", file.toString(), "-o", "json", "-t"));
    command.add(Integer.toString(threads));
    command.addAll(options(work));
    Program.Ended ended = Program.run(command);
    Engine.requireSuccess(ended);
    return new Figures(samples(work, ended), ended.cpuSeconds());
  }

  static List<String> options(Work work) {
    return switch (work) {
      case Work.Generate g ->
          options(
              "-p",
              g.prompt(),
              "-n",
              g.generated(),
              "-d",
              g.depth(),
              "-r",
              Work.Generate.REPETITIONS,
              "--kv-type",
              g.cacheType());
      case Work.Embed e ->
          options("-p", e.tokens(), "--texts", e.texts(), "-r", Work.Embed.REPETITIONS);
      case Work.Concurrent c ->
          options(
              "-p",
              0,
              "-n",
              c.generated(),
              "--concurrent",
              c.sequences(),
              "-r",
              Work.Generate.REPETITIONS);
      case Work.Beside b -> options(b.alone());
    };
  }

  private static List<String> options(Object... all) {
    return List.of(all).stream().map(Object::toString).toList();
  }

  static Map<String, List<Double>> samples(Work work, Program.Ended ended)
      throws NotMeasuredException {
    Map<String, List<Double>> samples = new HashMap<>();
    switch (work) {
      case Work.Generate g -> {
        for (String line : ended.lines("\"test\": \"pp")) {
          samples.put(g.prefill(), numbers(line, "samples_tok_s"));
        }
        for (String line : ended.lines("\"test\": \"tg")) {
          samples.put(g.decode(), numbers(line, "samples_tok_s"));
        }
      }
      case Work.Embed e -> {
        for (String line : ended.lines("\"test\": \"pp")) {
          int tokens = e.tokens();
          samples.put(
              e.wall().name(),
              numbers(line, "samples_tok_s").stream()
                  .map(rate -> e.texts() == 1 ? 1e3 * tokens / rate : rate / tokens)
                  .toList());
          samples.put(e.cpu().name(), List.of(1e3 * tokens * number(line, "cpu_s_per_token")));
        }
      }
      case Work.Concurrent c -> {
        for (String line : ended.lines("x" + c.sequences() + "\"")) {
          samples.put(c.name(), numbers(line, "samples_tok_s"));
        }
      }
      case Work.Beside b -> samples.putAll(samples(b.alone(), ended));
    }
    return samples;
  }
}
