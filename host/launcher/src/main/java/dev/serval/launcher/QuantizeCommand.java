package dev.serval.launcher;

import dev.serval.api.runtime.QuantizeReport;
import dev.serval.api.runtime.QuantizeReport.Converted;
import dev.serval.api.runtime.QuantizeRequest;
import dev.serval.api.tensor.DataType;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code serval quantize}: the same model with smaller weights. */
@Command(
    name = "quantize",
    description = "Writes a model file with its weights in another type.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    footer = {
      "%nVectors, norms and routers become F32. A matrix whose rows are no whole blocks of TYPE",
      "becomes F16. In a mixture of experts MXFP4 is for the experts, the rest becomes Q8_0."
    })
final class QuantizeCommand implements Callable<Integer> {

  /** Types that can be written. */
  enum Type {
    F16,
    BF16,
    Q8_0,
    Q4_0,
    MXFP4
  }

  private static final int INTERRUPTED = 130;

  @Parameters(index = "0", paramLabel = "IN", description = "path to a GGUF file, or demo")
  private String input = "";

  @Parameters(index = "1", paramLabel = "OUT", description = "file to write")
  private Path output = Path.of("");

  @Parameters(index = "2", paramLabel = "TYPE", description = "one of: ${COMPLETION-CANDIDATES}")
  private Type type = Type.Q8_0;

  @Option(names = "--force", description = "replace an existing file")
  private boolean force;

  @Option(names = "-v", description = "list what became of every tensor")
  private boolean verbose;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Folders folders = Folders.find();
    Path path = folders.model(input);
    QuantizeRequest request =
        new QuantizeRequest(path, output, DataType.valueOf(type.name()), force);
    Progress progress = Progress.show("reading " + path.getFileName());
    try (progress;
        Container container = Container.start(folders, Map.of());
        EndOfProcess _ = EndOfProcess.interrupts(Thread.currentThread())) {
      QuantizeReport report =
          container
              .serval()
              .quantize(request, (tensor, done, total) -> progress.fraction(tensor, done, total));
      progress.close();
      print(report);
      return 0;
    } catch (InterruptedException e) {
      return INTERRUPTED;
    } catch (FileAlreadyExistsException e) {
      throw new IllegalArgumentException(output + " exists; --force replaces it", e);
    }
  }

  private void print(QuantizeReport report) {
    Map<String, Long> types =
        report.tensors().stream()
            .collect(
                Collectors.groupingBy(t -> t.to().name(), TreeMap::new, Collectors.counting()));
    double seconds = report.nanos() / (double) TimeUnit.SECONDS.toNanos(1);
    System.out.printf(
        Locale.ROOT,
        "%s: %.1f MB of weights in %.1f MB, %s tensors, %.2f s, %.0f MB/s%n",
        output,
        report.inputBytes() / 1e6,
        report.outputBytes() / 1e6,
        types,
        seconds,
        report.inputBytes() / 1e6 / seconds);
    for (Converted t : report.tensors()) {
      boolean fallback = t.to() == DataType.F16 && !t.reason().isEmpty();
      if (verbose || fallback) {
        System.out.printf(
            "%-44s %s to %s%s%n",
            t.name(), t.from(), t.to(), t.reason().isEmpty() ? "" : ": " + t.reason());
      }
    }
    System.out.flush();
  }
}
