package dev.serval.launcher;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceReport;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code serval doctor}: what this machine offers, what is lost, and why. */
@Command(
    name = "doctor",
    description = "Reports on Java, its flags, devices, and what is slower than it could be.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class DoctorCommand implements Callable<Integer> {

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  @Override
  public Integer call() {
    Folders folders = Folders.find();
    int problems = 0;
    line("serval", Version.text());
    line(
        "java",
        System.getProperty("java.vm.name")
            + " "
            + System.getProperty("java.vm.version")
            + ", "
            + System.getProperty("java.home"));
    line("flags", String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments()));
    line(
        "system",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.arch")
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " processors available");
    boolean vector = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    line(
        "vector module",
        vector ? "present" : "ABSENT: start Java with --add-modules " + VECTOR_MODULE);
    problems += vector ? 0 : 1;
    boolean nativeAccess = Main.class.getModule().isNativeAccessEnabled();
    line("native access", nativeAccess ? "enabled" : "DISABLED: GPU backends cannot start");
    problems += nativeAccess ? 0 : 1;
    line("plugins", folders.plugins().toString());
    line("cache", folders.cache().toString());
    try (Container container = Container.start(folders, Map.of())) {
      line("architectures", String.join(", ", container.serval().architectures()));
      for (Map.Entry<String, DeviceReport> e : container.serval().devices().entrySet()) {
        problems += devices(e.getKey(), e.getValue());
      }
      for (String problem : container.problems()) {
        line("problem", problem);
        problems++;
      }
    }
    line(
        "verdict",
        problems == 0 ? "everything is as it should be" : problems + " thing(s) to look at");
    return 0;
  }

  private static int devices(String backend, DeviceReport report) {
    for (Device d : report.devices()) {
      line("backend " + backend, d.id() + ": " + d.description());
      line(
          "",
          String.format(
              Locale.ROOT,
              "%d compute units, %s, %.1f GiB",
              d.profile().computeUnits(),
              d.profile().vectorBits() == 0
                  ? "no vectors"
                  : d.profile().vectorBits() + "-bit vectors",
              d.profile().memoryBytes() / (double) (1L << 30)));
      d.profile().attributes().forEach((k, v) -> line("", k + ": " + v));
    }
    report
        .missing()
        .forEach(m -> line("backend " + backend, m.what() + " unusable: " + m.reason()));
    report.notes().forEach(n -> line("note", n));
    return report.notes().size() + (report.devices().isEmpty() ? 1 : 0);
  }

  private static void line(String name, String value) {
    System.out.printf("%-18s %s%n", name, value);
  }
}
