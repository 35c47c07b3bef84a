package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The interactive session as users see it: the real process on a terminal. */
class ChatIT {

  private static final String INTERRUPT = "\u0003";
  private static final String PROMPT = ">>> ";

  /** Ways to leave. */
  enum Ending {
    CTRL_D("\u0004"),
    BYE("/bye\r");

    private final String keys;

    Ending(String keys) {
      this.keys = keys;
    }
  }

  private final Path distribution = Path.of(System.getProperty("serval.distribution"));

  @TempDir private Path temporary;

  private PseudoTerminal run(String terminalType, String model) throws IOException {
    return new PseudoTerminal(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "--sun-misc-unsafe-memory-access=deny",
            "-jar",
            distribution.resolve("lib/serval.jar").toString(),
            "run",
            model,
            "--temperature",
            "0"),
        Map.of(
            "SERVAL_DATA",
            temporary.resolve("data").toString(),
            "SERVAL_CACHE",
            temporary.resolve("cache").toString(),
            "TERM",
            terminalType));
  }

  private static void enter(PseudoTerminal terminal, String line, String answer) throws Exception {
    terminal.type(line + "\r");
    terminal.await(answer);
    terminal.await(PROMPT);
  }

  @ParameterizedTest
  @CsvSource({"xterm, CTRL_D", "dumb, BYE"})
  void talksAndStopsAnAnswerWithoutEnding(String terminalType, Ending ending) throws Exception {
    String model = LongDemo.write(distribution, temporary).toString();
    try (PseudoTerminal terminal = run(terminalType, model)) {
      terminal.await(PROMPT);
      enter(terminal, "Tell me a story about a fox and a lighthouse.", "a fox and a lighthouse.");
      // nothing is said again before all else was said as often, the end of a turn included: an
      // answer of several times the vocabulary
      enter(terminal, "/set frequency_penalty 1000000", "frequency_penalty is");
      enter(terminal, "/set repeat_last_n -1", "repeat_last_n is");
      terminal.type("Tell me a story about a cat and a clock.\r");
      terminal.await("clock.", 300);
      terminal.type(INTERRUPT);
      if (!terminalType.equals("dumb")) {
        // a terminal in the kernel's care drops what is being printed when Ctrl-C comes
        terminal.await("(stopped)");
      }
      terminal.await(PROMPT);
      enter(terminal, "/show", "2 exchange(s) kept");
      enter(terminal, "/clear", "forgotten");
      enter(terminal, "/set frequency_penalty 0", "frequency_penalty is");
      enter(terminal, "Tell me a story about a girl and a cloud.", "girl and a cloud.");
      enter(terminal, "/show", "1 exchange(s) kept");
      if (!terminalType.equals("dumb")) {
        // there the kernel answers Ctrl-C, and drops the prompt if that was still on its way
        terminal.type("not a word of this" + INTERRUPT);
        terminal.await(PROMPT);
      }
      terminal.type(ending.keys);
      terminal.assertEnds(0);
    }
    String history = Files.readString(temporary.resolve("data/history"));
    assertTrue(history.contains("about a fox") && history.contains("/show"), history);
  }
}
