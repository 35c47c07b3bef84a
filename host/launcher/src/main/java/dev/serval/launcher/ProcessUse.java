package dev.serval.launcher;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * What this process has used.
 *
 * @param cpuNanos time of all its threads on processors, compilers and collectors included
 * @param allocatedBytes bytes that Java threads allocated on the heap, ended ones included
 */
record ProcessUse(long cpuNanos, long allocatedBytes) {

  /** The Linux kernel's figures of a process (proc_pid_status(5)). */
  private static final Path STATUS = Path.of("/proc/self/status");

  /** What has been used until now. */
  static ProcessUse now() {
    long cpu = -1;
    long allocated = -1;
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      cpu = system.getProcessCpuTime();
    }
    if (ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads) {
      allocated = threads.getTotalThreadAllocatedBytes();
    }
    return new ProcessUse(cpu, allocated);
  }

  /** Seconds on processors since an earlier reading; NaN where the JVM does not tell. */
  double cpuSecondsSince(ProcessUse earlier) {
    return cpuNanos < 0 || earlier.cpuNanos < 0
        ? Double.NaN
        : (cpuNanos - earlier.cpuNanos) / (double) TimeUnit.SECONDS.toNanos(1);
  }

  /** Bytes allocated since an earlier reading; NaN where the JVM does not tell. */
  double allocatedSince(ProcessUse earlier) {
    return allocatedBytes < 0 || earlier.allocatedBytes < 0
        ? Double.NaN
        : allocatedBytes - earlier.allocatedBytes;
  }

  /** The most memory that was resident at once, mapped files included; empty but on Linux. */
  static OptionalLong peakResidentBytes() {
    try {
      return kilobytes(Files.readAllLines(STATUS), "VmHWM");
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  /** A field of {@code /proc/PID/status}, which is in units of 1,024 bytes, in bytes. */
  static OptionalLong kilobytes(List<String> status, String field) {
    return status.stream()
        .filter(line -> line.startsWith(field + ":") && line.endsWith(" kB"))
        .map(line -> line.substring(field.length() + 1, line.length() - 3).strip())
        .mapToLong(digits -> Math.multiplyExact(Long.parseLong(digits), 1024L))
        .findFirst();
  }
}
