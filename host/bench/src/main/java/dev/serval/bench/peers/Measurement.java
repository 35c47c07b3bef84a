package dev.serval.bench.peers;

import dev.serval.bench.peers.Engine.NotMeasuredException;
import dev.serval.bench.peers.Work.Test;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One row of the table with one number of threads: the engines in turn, a process of each in a
 * round.
 *
 * @param row what is measured
 * @param file the model
 * @param threads compute threads
 * @param rounds rounds that were asked for
 */
record Measurement(Row row, Path file, int threads, int rounds) {

  /**
   * Measures.
   *
   * @param other a third engine, whose figures go into the remarks
   * @param progress told what is running
   * @return a line for each test
   */
  List<Table.Line> run(Engine serval, Engine llama, Optional<Engine> other, PrintWriter progress)
      throws InterruptedException {
    List<Engine> engines = new ArrayList<>(List.of(serval, llama));
    other.ifPresent(engines::add);
    Map<String, Samples> samples = new LinkedHashMap<>();
    Map<Engine, String> failures = new LinkedHashMap<>();
    Machine.Load load = Machine.Load.begin();
    for (int round = 1; round <= row.work().rounds(rounds); round++) {
      for (Engine engine : engines) {
        if (!failures.containsKey(engine)) {
          progress.printf(
              "peers: %s, %d threads, round %d: %s%n", row.id(), threads, round, engine.name());
          progress.flush();
          try {
            load.add(round(engine, samples));
          } catch (NotMeasuredException e) {
            failures.put(engine, engine.name() + " not measured: " + e.getMessage());
          }
        }
      }
    }
    double used = load.end();
    List<Table.Line> lines = new ArrayList<>();
    List<Test> tests = row.work().tests();
    for (int i = 0; i < tests.size(); i++) {
      String test = tests.get(i).name();
      List<String> remarks = new ArrayList<>(failures.values());
      other
          .map(engine -> of(samples, engine, test))
          .filter(s -> !s.isEmpty())
          .ifPresent(s -> remarks.add(other.get().name() + " " + s.text()));
      lines.add(
          new Table.Line(
              row,
              tests.get(i),
              row.aims().get(i),
              threads,
              of(samples, serval, test),
              of(samples, llama, test),
              used,
              String.join("; ", remarks),
              LocalDate.now(ZoneOffset.UTC).toString()));
    }
    return lines;
  }

  private static Samples of(Map<String, Samples> samples, Engine engine, String test) {
    return samples.computeIfAbsent(engine.name() + " " + test, key -> new Samples());
  }

  /** Measures once; returns the processor time of the processes. */
  private double round(Engine engine, Map<String, Samples> samples)
      throws NotMeasuredException, InterruptedException {
    if (!(row.work() instanceof Work.Beside beside)) {
      Engine.Figures figures = engine.measure(file, row.work(), threads);
      for (Test test : row.work().tests()) {
        of(samples, engine, test.name()).add(figures.of(test.name()));
      }
      return figures.cpuSeconds();
    }
    Engine.Figures alone = engine.measure(file, beside.alone(), 1);
    Engine.Figures disturbed;
    double busySeconds;
    try (Program.Busy busy = Program.busy()) {
      disturbed = engine.measure(file, beside.alone(), threads);
      busySeconds = busy.cpuSeconds();
    }
    List<Test> plain = beside.alone().tests();
    for (int i = 0; i < plain.size(); i++) {
      Samples all = new Samples();
      all.add(alone.of(plain.get(i).name()));
      double one = all.median();
      of(samples, engine, row.work().tests().get(i).name())
          .add(disturbed.of(plain.get(i).name()).stream().map(rate -> rate / one).toList());
    }
    return alone.cpuSeconds() + disturbed.cpuSeconds() + busySeconds;
  }
}
