package dev.serval.launcher;

import dev.serval.api.error.ServalException;
import java.io.IOException;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;

/**
 * The command line. Results go to standard output; progress and errors to standard error. Exit
 * codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
 */
@Command(
    name = "serval",
    description = "Runs large language models in one JVM.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    footer = {
      "%nserval COMMAND --help explains a command. For a start:",
      "  serval run demo \"Tell me a story about a fox and a lighthouse.\"",
      "  serval run path/to/model.gguf        a conversation, on a terminal"
    })
public final class Main {

  /** The commands by name, in the order of the help. */
  static final Map<String, Class<?>> COMMANDS = commands();

  private Main() {}

  private static Map<String, Class<?>> commands() {
    Map<String, Class<?>> all = new LinkedHashMap<>();
    all.put("run", RunCommand.class);
    all.put("tokenize", TokenizeCommand.class);
    all.put("embed", EmbedCommand.class);
    all.put("logits", LogitsCommand.class);
    all.put("bench", BenchCommand.class);
    all.put("show", ShowCommand.class);
    all.put("quantize", QuantizeCommand.class);
    all.put("plan", PlanCommand.class);
    all.put("bundles", BundlesCommand.class);
    all.put("doctor", DoctorCommand.class);
    return all;
  }

  /**
   * Runs one command. A failure exits with its code; after a success the process ends by itself,
   * since a stopped framework leaves no thread behind.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    int code = commandLine(System.err, args).execute(args);
    System.out.flush();
    System.err.flush();
    if (code != CommandLine.ExitCode.OK) {
      System.exit(code);
    }
  }

  /**
   * The command line for some arguments. Reading the options of every command takes a tenth of a
   * second, so that only the command they name is there, or all if they name none.
   */
  static CommandLine commandLine(PrintStream err, String... args) {
    CommandLine line = new CommandLine(new Main());
    Class<?> named = args.length == 0 ? null : COMMANDS.get(args[0]);
    if (named != null) {
      line.addSubcommand(named);
    } else {
      COMMANDS.values().forEach(line::addSubcommand);
    }
    line.setCaseInsensitiveEnumValuesAllowed(true);
    IExecutionExceptionHandler handler =
        (e, command, parsed) -> {
          err.println("serval: " + describe(e));
          return CommandLine.ExitCode.SOFTWARE;
        };
    line.setExecutionExceptionHandler(handler);
    return line;
  }

  /** One line that says what failed; the stable code first, where there is one. */
  static String describe(Throwable e) {
    return switch (e) {
      case ServalException s -> s.code() + ": " + s.getMessage();
      case StartException s -> String.valueOf(s.getMessage());
      case IOException io -> io.getClass().getSimpleName() + ": " + io.getMessage();
      case InterruptedException i -> "interrupted";
      case IllegalArgumentException i -> "option: " + i.getMessage();
      default -> e.toString();
    };
  }
}
