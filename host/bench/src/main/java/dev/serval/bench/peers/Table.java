package dev.serval.bench.peers;

import dev.serval.bench.peers.Work.Test;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The table between two comment lines of a document: what it is measured on, and a line for each
 * model, test and number of threads. Measuring a row again replaces its lines; a table is of one
 * machine and one set of programs, so that others' lines go.
 *
 * <p>Confined to one thread.
 */
final class Table {

  static final String BEGIN = "<!-- peers: begin -->";
  static final String END = "<!-- peers: end -->";
  private static final String HEAD =
      """
      | model | test | threads | unit | serval | llama.cpp | ratio | aim | others' load | date |
      | --- | --- | ---: | --- | ---: | ---: | ---: | --- | ---: | --- |
      """;

  private final String machine;

  /** Lines by their first three cells, in order. */
  private final Map<String, String> lines = new LinkedHashMap<>();

  /**
   * An empty table.
   *
   * @param machine what is measured on, and with what: one paragraph
   */
  Table(String machine) {
    this.machine = machine;
  }

  /**
   * Both engines' figures of one test.
   *
   * @param row the model
   * @param test one of its tests
   * @param aim what is to be reached
   * @param threads compute threads
   * @param serval its samples
   * @param llama those of llama.cpp
   * @param load part of the machine that other processes used meanwhile, 0 to 1
   * @param remark what kept an engine from being measured, or figures of a further one; may be
   *     empty
   * @param date ISO date
   */
  record Line(
      Row row,
      Test test,
      String aim,
      int threads,
      Samples serval,
      Samples llama,
      double load,
      String remark,
      String date) {

    private String key() {
      return "| " + row.model() + " | " + test.name() + " | " + threads + " |";
    }

    private String text() {
      double ratio = serval.median() / llama.median();
      return "%s %s | %s | %s | %s | %s | %.0f %% | %s |"
          .formatted(
              key(),
              test.unit(),
              serval.text(),
              llama.text(),
              Double.isFinite(ratio) ? Samples.digits(ratio) : "-",
              aim,
              100 * Math.clamp(load, 0, 1),
              date + (remark.isEmpty() ? "" : "; " + remark.replace('|', '/')));
    }
  }

  /** Puts a line at the end, or in the place of the one with the same model, test and threads. */
  void put(Line line) {
    lines.put(line.key(), line.text());
  }

  /** Takes lines from the document's table over, if it is of the same machine and programs. */
  void keep(String document) {
    String block = document.substring(begin(document), end(document));
    if (block.contains(machine)) {
      block
          .lines()
          .filter(line -> line.startsWith("| ") && !HEAD.contains(line))
          .forEach(line -> lines.put(key(line), line));
    }
  }

  private static String key(String line) {
    int at = 0;
    for (int cells = 0; cells < 3; cells++) {
      at = line.indexOf('|', at + 1);
    }
    return line.substring(0, at + 1);
  }

  /** The document with this table in it. */
  String in(String document) {
    return document.substring(0, begin(document)) + "\n" + this + document.substring(end(document));
  }

  /** Replaces the table of a document, but for lines of tests that were not measured now. */
  static void write(Path document, String machine, List<Line> measured) throws IOException {
    String text = Files.readString(document);
    Table table = new Table(machine);
    table.keep(text);
    measured.forEach(table::put);
    Files.writeString(document, table.in(text));
  }

  private static int begin(String document) {
    return at(document, BEGIN) + BEGIN.length();
  }

  private static int end(String document) {
    return at(document, END);
  }

  private static int at(String document, String mark) {
    int at = document.indexOf(mark);
    if (at < 0) {
      throw new IllegalArgumentException("the document has no line " + mark);
    }
    return at;
  }

  /** The paragraph about the machine, and the table. */
  @Override
  public String toString() {
    List<String> all = new ArrayList<>(lines.values());
    return machine + "\n\n" + HEAD + String.join("\n", all) + "\n";
  }
}
