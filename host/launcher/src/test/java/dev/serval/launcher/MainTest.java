package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class MainTest {

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final StringWriter usage = new StringWriter();

  private int execute(String... args) {
    CommandLine line = Main.commandLine(new PrintStream(err, true, StandardCharsets.UTF_8), args);
    line.setErr(new PrintWriter(usage, true));
    return line.execute(args);
  }

  private String errors() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void exitsWithTwoOnAnUnknownOption() {
    assertEquals(2, execute("run", "demo", "--no-such-option"));
    assertTrue(usage.toString().contains("--no-such-option"), usage.toString());
  }

  @Test
  void knowsEveryCommandByItsOwnName() {
    Main.COMMANDS.forEach((name, command) -> {
      assertEquals(name, command.getAnnotation(Command.class).name());
      assertEquals(Set.of(name), Main.commandLine(System.err, name).getSubcommands().keySet());
    });
    assertEquals(Main.COMMANDS.keySet(), Main.commandLine(System.err).getSubcommands().keySet());
    assertEquals(2, execute("rum"));
    assertTrue(usage.toString().contains("run"), usage.toString());
  }

  @Test
  void explainsEveryCommandIn80Columns() {
    CommandLine line = Main.commandLine(System.err);
    List<CommandLine> all = new ArrayList<>(line.getSubcommands().values());
    all.add(line);
    for (CommandLine command : all) {
      String help = command.getUsageMessage();
      assertTrue(help.lines().allMatch(l -> l.length() <= 80), help);
      command
          .getCommandSpec()
          .args()
          .forEach(arg -> assertTrue(arg.description().length > 0, arg + " in " + help));
      assertTrue(command.getCommandSpec().version().length > 0, "version in " + help);
    }
  }

  @Test
  void refusesASystemPromptWithoutChatFormat() {
    assertEquals(1, execute("run", "demo", "hello", "--raw", "--system", "be brief"));
    assertTrue(errors().contains("--system"), errors());
  }

  @Test
  void namesAModelFileThatIsMissing() {
    assertEquals(1, execute("run", "no-such-file.gguf", "hello"));
    assertTrue(errors().contains("no-such-file.gguf"), errors());
  }

  @Test
  void refusesABenchWithoutRepetitions() {
    assertEquals(1, execute("bench", "demo", "-r", "0"));
    assertTrue(errors().contains("-r 0"), errors());
  }

  @Test
  void printsTheStableCodeOfAFailure() {
    ModelRefusedException e =
        new ModelRefusedException(ModelRefusedException.Reason.MALFORMED, "magic: expected GGUF");
    assertEquals("model.malformed: magic: expected GGUF", Main.describe(e));
  }

  @Test
  void quotesTextForJson() {
    assertEquals("\"a\\\"b\\\\c\\u000a\"", Json.quoted("a\"b\\c\n"));
  }
}
