package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.OutputFormat;
import dev.serval.api.runtime.Prompt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateOptionsTest {

  @TempDir Path folder;

  private static OutputFormat format(GenerateOptions options) {
    return options.request(Prompt.text("a")).output().format();
  }

  @Test
  void readsFormats() throws IOException {
    GenerateOptions options = new GenerateOptions();
    assertEquals(OutputFormat.TEXT, format(options));
    options.set("format", "json");
    assertEquals(OutputFormat.JSON, format(options));
    Path schema = Files.writeString(folder.resolve("schema.json"), "{}");
    options.set("format", schema.toString());
    assertEquals(new OutputFormat.JsonSchema("{}"), format(options));
    options.set("format", "");
    Path grammar = Files.writeString(folder.resolve("a.gbnf"), "root ::= \"a\"");
    options.set("grammar", grammar.toString());
    assertEquals(new OutputFormat.Grammar("root ::= \"a\""), format(options));
  }

  @Test
  void refusesAFileThatIsNotThereAndTwoFormatsAtOnce() throws IOException {
    GenerateOptions options = new GenerateOptions();
    String missing = folder.resolve("missing").toString();
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> options.set("format", missing));
    assertEquals(Reason.OPTION_INVALID, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains("missing"), e::getMessage);
    assertEquals(OutputFormat.TEXT, format(options));

    String grammar = Files.writeString(folder.resolve("a.gbnf"), "root ::= \"a\"").toString();
    options.set("format", "json");
    assertThrows(RequestRejectedException.class, () -> options.set("grammar", grammar));
    assertEquals(OutputFormat.JSON, format(options));
  }
}
