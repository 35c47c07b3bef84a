package dev.serval.launcher;

import dev.serval.api.error.ServalException;
import java.io.IOException;
import java.io.PrintStream;
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
    },
    subcommands = {
      RunCommand.class,
      TokenizeCommand.class,
      EmbedCommand.class,
      LogitsCommand.class,
      BenchCommand.class,
      ShowCommand.class,
      QuantizeCommand.class,
      PlanCommand.class,
      BundlesCommand.class,
      DoctorCommand.class
    })
public final class Main {

  private Main() {}

  /**
   * Runs one command. A failure exits with its code; after a success the process ends by itself,
   * since a stopped framework leaves no thread behind.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    int code = commandLine(System.err).execute(args);
    System.out.flush();
    System.err.flush();
    if (code != CommandLine.ExitCode.OK) {
      System.exit(code);
    }
  }

  static CommandLine commandLine(PrintStream err) {
    CommandLine line = new CommandLine(new Main());
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
