package dev.serval.bench.peers;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A program that runs models. Without state between measurements. */
interface Engine {

  /** Its name in the table. */
  String name();

  /**
   * Measures in a process of its own.
   *
   * @param file model
   * @param work one generation, embedding, or several generations; not {@link Work.Beside}
   * @param threads compute threads
   * @return the samples of each test, by its name
   * @throws NotMeasuredException if the engine cannot do it, with the reason
   */
  Figures measure(Path file, Work work, int threads)
      throws NotMeasuredException, InterruptedException;

  /**
   * What one process brought.
   *
   * @param samples by name of the test
   * @param cpuSeconds processor time of the process
   */
  record Figures(Map<String, List<Double>> samples, double cpuSeconds) {

    /** Copies the map. */
    public Figures {
      samples = Map.copyOf(samples);
    }

    /** The samples of a test; none if it brought none. */
    List<Double> of(String test) {
      return samples.getOrDefault(test, List.of());
    }
  }

  /** A measurement that an engine cannot do; the message says why. */
  final class NotMeasuredException extends Exception {
    private static final long serialVersionUID = 1;

    NotMeasuredException(String reason) {
      super(reason);
    }
  }

  /** Ends with the last line that the program printed, unless it went well. */
  static void requireSuccess(Program.Ended ended) throws NotMeasuredException {
    if (ended.code() != 0) {
      throw new NotMeasuredException("exit code " + ended.code() + ": " + ended.lastLine());
    }
  }

  /**
   * A number of a JSON object on one line.
   *
   * @throws NotMeasuredException if it is not there
   */
  static double number(String line, String key) throws NotMeasuredException {
    Matcher m = Pattern.compile('"' + key + "\": (-?[0-9.eE+-]+)").matcher(line);
    if (!m.find()) {
      throw new NotMeasuredException("no \"" + key + "\" in: " + line);
    }
    return Double.parseDouble(m.group(1));
  }

  /**
   * An array of numbers of a JSON object on one line.
   *
   * @throws NotMeasuredException if it is not there
   */
  static List<Double> numbers(String line, String key) throws NotMeasuredException {
    Matcher m = Pattern.compile('"' + key + "\": \\[ *([0-9.eE+, -]+?) *\\]").matcher(line);
    if (!m.find()) {
      throw new NotMeasuredException("no \"" + key + "\" in: " + line);
    }
    return Pattern.compile(", *").splitAsStream(m.group(1)).map(Double::valueOf).toList();
  }
}
