package dev.serval.bench.peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What is measured on, and how busy others keep it. */
final class Machine {

  /** Lines of {@code serval doctor} that matter, by their names. */
  private static final List<String> FACTS = List.of("backend cpu", "system", "java", "flags");

  private Machine() {}

  /**
   * One paragraph.
   *
   * @param doctor what {@code serval doctor} printed
   * @param llama version of llama.cpp
   */
  static String text(List<String> doctor, String llama) {
    List<String> facts = new ArrayList<>();
    for (String fact : FACTS) {
      doctor.stream()
          .filter(line -> line.startsWith(fact + " "))
          .map(line -> line.substring(fact.length()).strip())
          // where a JDK lies is nobody's business
          .map(value -> fact.equals("java") ? value.replaceFirst(", /.*", "") : value)
          .map(value -> fact.equals("flags") ? "`" + value + "`" : value)
          .forEach(facts::add);
    }
    doctor.stream()
        .filter(line -> line.contains("-bit vectors"))
        .map(String::strip)
        .findFirst()
        .ifPresent(facts::add);
    return "Median (least–most) of rounds in turn. "
        + String.join("; ", facts)
        + "; llama.cpp "
        + llama
        + ".";
  }

  /** The part of all processors that processes other than the measured ones use. */
  static final class Load {

    private static final Path STAT = Path.of("/proc/stat");
    private static final double TICKS_PER_SECOND = 100; // USER_HZ of every Linux platform in use

    private final double busyBefore;
    private final long begin;
    private double own;

    private Load(double busyBefore, long begin) {
      this.busyBefore = busyBefore;
      this.begin = begin;
    }

    static Load begin() {
      return new Load(busySeconds(), System.nanoTime());
    }

    /** Processor time of a process that was measured. */
    void add(double cpuSeconds) {
      own += cpuSeconds;
    }

    /** The part until now, 0 to 1; NaN but on Linux. */
    double end() {
      double available =
          (System.nanoTime() - begin) / 1e9 * Runtime.getRuntime().availableProcessors();
      return Math.max(0, busySeconds() - busyBefore - own) / available;
    }

    private static double busySeconds() {
      try {
        return busySeconds(Files.readAllLines(STAT).getFirst());
      } catch (IOException e) {
        return Double.NaN;
      }
    }

    /** Time of all processors since the start that was not idle: proc_stat(5), first line. */
    static double busySeconds(String line) {
      String[] fields = Pattern.compile(" +").split(line);
      double ticks = 0;
      for (int i = 1; i <= 8; i++) {
        boolean idle = i == 4 || i == 5; // idle, iowait
        ticks += idle ? 0 : Long.parseLong(fields[i]);
      }
      return ticks / TICKS_PER_SECOND;
    }
  }
}
