package dev.serval.backend.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The machine's processor and memory, as far as the system tells.
 *
 * @param name name of the processor for people
 * @param cores cores that this process may use: available processors, but no more than there are
 *     physical cores, since two threads of one core share its vector units
 * @param memoryBytes memory of the machine or of the container, whichever is less
 */
record Processor(String name, int cores, long memoryBytes) {

  /** Name of the instruction set, as Java calls it. */
  String architecture() {
    return System.getProperty("os.arch", "unknown");
  }

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final Path MEMORY_INFO = Path.of("/proc/meminfo");
  private static final Path CGROUP_LIMIT = Path.of("/sys/fs/cgroup/memory.max");

  /** Looks at this machine. */
  static Processor detect() {
    Runtime runtime = Runtime.getRuntime();
    return of(
        lines(CPU_INFO),
        lines(MEMORY_INFO),
        lines(CGROUP_LIMIT),
        runtime.availableProcessors(),
        runtime.maxMemory());
  }

  /**
   * Reads what Linux says.
   *
   * @param cpuInfo lines of {@code /proc/cpuinfo}, empty elsewhere
   * @param memoryInfo lines of {@code /proc/meminfo}, empty elsewhere
   * @param cgroupLimit lines of the control group's {@code memory.max}, empty without one
   * @param available processors that this process may use
   * @param fallbackBytes memory to report if the system does not say
   */
  static Processor of(
      List<String> cpuInfo,
      List<String> memoryInfo,
      List<String> cgroupLimit,
      int available,
      long fallbackBytes) {
    String name = System.getProperty("os.arch", "unknown") + " processor";
    Set<String> physical = new HashSet<>();
    String socket = "";
    for (String line : cpuInfo) {
      if (line.startsWith("model name")) {
        name = value(line);
      } else if (line.startsWith("physical id")) {
        socket = value(line);
      } else if (line.startsWith("core id")) {
        physical.add(socket + "/" + value(line));
      }
    }
    int cores = physical.isEmpty() ? available : Math.min(available, physical.size());
    return new Processor(name, Math.max(1, cores), memory(memoryInfo, cgroupLimit, fallbackBytes));
  }

  private static long memory(List<String> memoryInfo, List<String> cgroup, long fallbackBytes) {
    long bytes = 0;
    for (String line : memoryInfo) {
      if (line.startsWith("MemTotal:")) {
        bytes = number(value(line).replace(" kB", "")) << 10;
      }
    }
    long limit = cgroup.isEmpty() ? 0 : number(cgroup.getFirst());
    if (limit > 0 && (bytes == 0 || limit < bytes)) {
      bytes = limit;
    }
    return bytes > 0 ? bytes : fallbackBytes;
  }

  private static String value(String line) {
    return line.substring(line.indexOf(':') + 1).strip();
  }

  /** The number, or 0 for words such as {@code max}. */
  private static long number(String text) {
    String digits = text.strip();
    boolean numeric = !digits.isEmpty() && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    return numeric && digits.length() < 19 ? Long.parseLong(digits) : 0;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }
}
