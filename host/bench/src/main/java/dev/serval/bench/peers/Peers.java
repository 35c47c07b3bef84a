package dev.serval.bench.peers;

import dev.serval.bench.BenchModel;
import dev.serval.bench.peers.Work.Test;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures Serval and its peers on the same files, in turn, and writes a table. */
@Command(
    name = "host/bench/peers",
    description = {
      "Measures serval, llama.cpp and, if there is one, another engine on the same files, in turn,",
      "and prints a table with the medians. Models are written where they are missing."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footer = {
      "%nEnvironment:",
      "  LLAMA_BIN   folder of llama-bench, llama-batched-bench and llama-embedding",
      "  PEER        command of another engine, called with MODEL THREADS PROMPT GENERATED; prints",
      "              lines \"prefill TOKENS_PER_SECOND\" and \"decode TOKENS_PER_SECOND\""
    })
final class Peers implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      paramLabel = "ROW",
      arity = "0..*",
      description = "rows to measure; all without any; see --list")
  private List<String> rows = List.of();

  @Option(names = "--list", description = "print the rows and end")
  private boolean list;

  @Option(
      names = "--models",
      paramLabel = "FOLDER",
      description = "where the models lie or are written; default host/bench/target/models")
  private @Nullable Path models;

  @Option(names = "--rounds", paramLabel = "N", description = "processes of each engine; default 5")
  private int rounds = 5;

  @Option(
      names = {"-t", "--threads"},
      split = ",",
      paramLabel = "N[,N]",
      description = "compute threads; default 1,2")
  private List<Integer> threads = List.of(1, 2);

  @Option(
      names = "--write",
      paramLabel = "FILE",
      description = "replace the measured rows of the table in this document")
  private @Nullable Path document;

  @Option(names = "--root", hidden = true, required = true)
  private Path root = Path.of("");

  /**
   * Runs the command.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    CommandLine line = new CommandLine(new Peers());
    line.setExecutionExceptionHandler((e, command, parsed) -> {
      command.getErr().println("peers: " + e.getMessage());
      return CommandLine.ExitCode.SOFTWARE;
    });
    System.exit(line.execute(args));
  }

  private static List<Row> chosen(List<String> ids) {
    for (String id : ids) {
      if (Row.ALL.stream().noneMatch(row -> row.id().equals(id))) {
        throw new IllegalArgumentException("no row " + id + "; see --list");
      }
    }
    return Row.ALL.stream().filter(row -> ids.isEmpty() || ids.contains(row.id())).toList();
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    CommandLine line = Objects.requireNonNull(spec).commandLine();
    PrintWriter out = line.getOut();
    PrintWriter err = line.getErr();
    if (list) {
      Row.ALL.forEach(row ->
          out.printf(
              "%-18s %s: %s%n",
              row.id(),
              row.model(),
              String.join(", ", row.work().tests().stream().map(Test::name).toList())));
      return 0;
    }
    List<Row> chosen = chosen(rows);
    if (rounds < 1) {
      throw new IllegalArgumentException("--rounds must be positive: " + rounds);
    }
    String bin = System.getenv("LLAMA_BIN");
    if (bin == null) {
      throw new IllegalArgumentException("LLAMA_BIN must name the folder of llama-bench");
    }
    Path target = root.resolve("host/bench/target");
    ServalEngine serval = new ServalEngine(root.resolve("serval"));
    LlamaEngine llama = new LlamaEngine(Path.of(bin), target.resolve("texts"));
    Optional<Engine> other =
        Optional.ofNullable(System.getenv("PEER")).map(peer -> new HookEngine(Path.of(peer)));
    String machine = Machine.text(serval.machine(), llama.version());
    Path folder = models == null ? target.resolve("models") : models;
    Files.createDirectories(folder);
    List<Table.Line> all = new ArrayList<>();
    for (Row row : chosen) {
      Path file = folder.resolve(row.fileName());
      if (!Files.exists(file)) {
        err.println("peers: writing " + file);
        BenchModel.main(new String[] {row.shape(), row.type().name(), file.toString()});
      }
      for (int n : row.work() instanceof Work.Beside ? List.of(2) : threads) {
        List<Table.Line> lines =
            new Measurement(row, file, n, rounds).run(serval, llama, other, err);
        all.addAll(lines);
        if (document != null) {
          Table.write(document, machine, lines);
        }
      }
    }
    Table table = new Table(machine);
    all.forEach(table::put);
    out.print(table);
    out.flush();
    return 0;
  }
}
