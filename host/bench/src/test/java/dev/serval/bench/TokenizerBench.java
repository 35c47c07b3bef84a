package dev.serval.bench;

import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.tokenizer.Tokenizers;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Prints the seconds of CPU time that a mebibyte of each of several texts takes to encode, the
 * first time and at best, and the tokens it becomes. Arguments: GGUF files. Not a test.
 */
final class TokenizerBench {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private static final int BYTES = 1 << 20;
  private static final int ROUNDS = 5;

  private static final String PROSE =
      """
      The fox's lighthouse wasn't far: 1,234 steps (or 12 minutes) along the Grüne Küste,
          if (x == 1) {
      \t\treturn "日本語のテキスト";
      \t}\r

      """;

  private TokenizerBench() {}

  public static void main(String[] args) {
    PrintWriter print =
        new PrintWriter(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    for (String file : args) {
      print.println(file);
      long start = THREADS.getCurrentThreadCpuTime();
      Tokenizer tokenizer;
      try (GgufFile gguf = GgufFile.open(Path.of(file))) {
        tokenizer = new Tokenizers().fromMetadata(gguf.source().metadata());
      }
      print.printf("  %-12s %.3f s%n", "load", seconds(start));
      measure(print, tokenizer, "prose", PROSE);
      for (String unit : new String[] {"a", " ", "\n", "😀", "a ", "A1!"}) {
        measure(print, tokenizer, '"' + unit.replace("\n", "\\n") + '"', unit);
      }
    }
  }

  private static void measure(PrintWriter print, Tokenizer tokenizer, String name, String unit) {
    String text = unit.repeat(BYTES / unit.getBytes(StandardCharsets.UTF_8).length);
    double first = 0;
    double best = Double.MAX_VALUE;
    int tokens = 0;
    for (int round = 0; round < ROUNDS; round++) {
      long start = THREADS.getCurrentThreadCpuTime();
      tokens = tokenizer.encode(text, false, false).length;
      double s = seconds(start);
      first = round == 0 ? s : first;
      best = Math.min(best, s);
    }
    print.printf("  %-12s first %.3f s, best %.3f s, %d tokens%n", name, first, best, tokens);
  }

  private static double seconds(long start) {
    return (THREADS.getCurrentThreadCpuTime() - start) / 1e9;
  }
}
