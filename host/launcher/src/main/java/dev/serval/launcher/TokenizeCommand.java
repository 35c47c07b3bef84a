package dev.serval.launcher;

import dev.serval.api.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code serval tokenize}: the token ids of a text. */
@Command(
    name = "tokenize",
    description = "Shows the tokens of a text.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class TokenizeCommand implements Callable<Integer> {

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Parameters(index = "1", paramLabel = "TEXT", description = "the text; - reads standard input")
  private String text = "";

  @Option(names = "--ids", description = "print a JSON list of ids and nothing else")
  private boolean ids;

  @Option(names = "--no-special", description = "markers in the text are plain text")
  private boolean noSpecial;

  @Override
  public Integer call() throws IOException {
    Folders folders = Folders.find();
    Path path = folders.model(model);
    String input =
        text.equals("-") ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8) : text;
    try (Container container = Container.start(folders, Map.of())) {
      Tokenizer tokenizer = container.serval().tokenizer(path);
      int[] tokens = tokenizer.encode(input, true, !noSpecial);
      if (ids) {
        System.out.println(Arrays.toString(tokens));
      } else {
        for (int token : tokens) {
          System.out.println(token + "\t" + quoted(tokenizer.bytes(token)));
        }
      }
      return 0;
    }
  }

  /** Bytes as text in quotes; what is not printable as hexadecimal escapes. */
  private static String quoted(byte[] bytes) {
    String s = new String(bytes, StandardCharsets.UTF_8);
    boolean wellFormed = Arrays.equals(s.getBytes(StandardCharsets.UTF_8), bytes);
    StringBuilder out = new StringBuilder("\"");
    if (wellFormed) {
      s.codePoints().forEach(c -> append(out, c));
    } else {
      for (byte b : bytes) {
        out.append(String.format("\\x%02X", b));
      }
    }
    return out.append('"').toString();
  }

  private static void append(StringBuilder out, int c) {
    switch (c) {
      case '\n' -> out.append("\\n");
      case '\t' -> out.append("\\t");
      case '"' -> out.append("\\\"");
      case '\\' -> out.append("\\\\");
      default -> {
        if (Character.isISOControl(c)) {
          out.append(String.format("\\x%02X", c));
        } else {
          out.appendCodePoint(c);
        }
      }
    }
  }
}
