package dev.serval.bench.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableTest {

  private static final Row ROW = Row.ALL.getFirst();
  private static final String FRAME = "before\n" + Table.BEGIN + "\n" + Table.END + "\nafter\n";

  @TempDir private Path temporary;

  private static Samples samples(Double... values) {
    Samples samples = new Samples();
    samples.add(List.of(values));
    return samples;
  }

  private static Table.Line line(int test, int threads, double serval, String remark) {
    return new Table.Line(
        ROW,
        ROW.work().tests().get(test),
        ROW.aims().get(test),
        threads,
        samples(serval),
        samples(100.0, 90.0, 130.0),
        0.034,
        remark,
        "2026-11-20");
  }

  private String written(String document, String machine, Table.Line... lines) throws IOException {
    Path file = temporary.resolve("document.md");
    Files.writeString(file, document);
    Table.write(file, machine, List.of(lines));
    return Files.readString(file);
  }

  @Test
  void hasMediansTheirSpreadRatioAndAim() throws IOException {
    String document = written(FRAME, "a machine.", line(0, 2, 120, ""));
    assertTrue(
        document.contains(
            "\n| gemma3-270m Q8_0 | prefill 512 | 2 | tokens/s | 120 (120–120) | 100 (90.0–130) |"
                + " 1.20 | ≥ 1.2 | 3 % | 2026-11-20 |\n"),
        document);
    assertTrue(document.startsWith("before\n") && document.endsWith("\nafter\n"), document);
    assertTrue(document.contains("\na machine.\n"), document);
  }

  @Test
  void replacesTheLinesThatAreMeasuredAgain() throws IOException {
    String first = written(FRAME, "m", line(0, 1, 10, ""), line(0, 2, 20, ""));
    String second = written(first, "m", line(0, 1, 30, ""), line(1, 1, 40, ""));
    assertFalse(second.contains("10.0 (10.0"), second);
    assertTrue(second.indexOf("30.0 (") < second.indexOf("20.0 ("), second);
    assertTrue(second.indexOf("20.0 (") < second.indexOf("40.0 ("), second);
    assertEquals(second, written(second, "m"));
  }

  @Test
  void dropsLinesOfAnotherMachine() throws IOException {
    String first = written(FRAME, "one machine", line(0, 1, 10, ""));
    String second = written(first, "another", line(0, 2, 20, ""));
    assertFalse(second.contains("10.0 (10.0") || second.contains("one machine"), second);
  }

  @Test
  void showsADashAndTheReasonForWhatWasNotMeasured() throws IOException {
    Table.Line line =
        new Table.Line(
            ROW,
            ROW.work().tests().getFirst(),
            "≥ 1",
            1,
            samples(),
            samples(5.0),
            0,
            "serval not measured: a | b",
            "d");
    String document = written(FRAME, "m", line);
    assertTrue(document.contains("| - | 5.00 (5.00–5.00) | - |"), document);
    assertTrue(document.contains("d; serval not measured: a / b |"), document);
  }

  @Test
  void refusesADocumentWithoutItsMarks() {
    assertThrows(IllegalArgumentException.class, () -> written("text", "m", line(0, 1, 10, "")));
  }

  @Test
  void rowsHaveNamesOfTheirOwn() {
    assertEquals(Row.ALL.size(), Row.ALL.stream().map(Row::id).distinct().count());
  }

  @Test
  void medianOfAnEvenNumberIsBetweenTheMiddleTwo() {
    assertEquals(2.5, samples(4.0, 1.0, 2.0, 3.0).median());
  }

  @Test
  void machineLeavesOutWhereTheJdkLies() {
    assertEquals(
        "Median (least–most) of rounds in turn. cpu: X; Linux; VM 25; `-Xms24m`; 2 compute units,"
            + " 512-bit vectors; llama.cpp version: 1.",
        Machine.text(
            List.of(
                "serval             0.1",
                "java               VM 25, /opt/jdk",
                "flags              -Xms24m",
                "system             Linux",
                "backend cpu        cpu: X",
                "                   2 compute units, 512-bit vectors"),
            "version: 1"));
  }

  @Test
  void doesNotCountIdleTimeAsBusy() {
    assertEquals(0.26, Machine.Load.busySeconds("cpu  10 1 5 1000 1000 2 3 5 7 7"), 1e-9);
  }
}
