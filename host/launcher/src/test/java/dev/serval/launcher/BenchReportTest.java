package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.tensor.DataType;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class BenchReportTest {

  private static final WarmUp.Report WARM = new WarmUp.Report(7, 3.25, true);

  private static final BenchReport.Line DECODE =
      new BenchReport.Line(
          "tg8",
          List.of(10.0, 14.0),
          OptionalDouble.empty(),
          0.125,
          0.002,
          96,
          WARM,
          Optional.empty());

  private static final BenchReport.Line EMBEDDING =
      new BenchReport.Line(
              "pp16x4",
              List.of(320.0),
              OptionalDouble.empty(),
              Double.NaN,
              Double.NaN,
              Double.NaN,
              new WarmUp.Report(90, 60.0, false),
              Optional.empty())
          .withTextsOf(16);

  private static BenchReport report(OptionalLong peakResident) {
    MemoryUse plan = new MemoryUse(1 << 20, 2 << 20, 3 << 20, 4 << 20);
    LoadReport load =
        new LoadReport(
            1, 0, 0, List.of(new LoadReport.Part(LoadReport.Kind.MAPPED, DataType.Q8_0, 1, 5000)));
    ModelInfo info =
        new ModelInfo(
            "small",
            "gemma3",
            1,
            1,
            Optional.empty(),
            1,
            1,
            1,
            "cpu",
            "a cpu",
            "n",
            plan,
            plan,
            0,
            load,
            List.of());
    return new BenchReport(info, 2, peakResident);
  }

  @Test
  void tableHasCostsBesideTheRate() {
    assertEquals(
        List.of(
            "| model | backend | threads | test | tokens/s | first token | CPU/token | heap/token"
                + " | warm-up |",
            "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
            "| small | cpu | 2 | tg8 | 12.00 ± 2.83 | 0.1250 s | 2.000 ms | 96 B | 3.3 s |",
            "| small | cpu | 2 | pp16x4 | 320.00 ± 0.00 (20.00 texts/s) | - | - | - | 60.0 s, not"
                + " stable |",
            "",
            "memory: planned 10.00 MiB (weights 1.00 MiB, kv 2.00 MiB, activations 3.00 MiB,"
                + " staging 4.00 MiB), weights in the mapped file 4.88 KiB, resident at most"
                + " unknown"),
        report(OptionalLong.empty()).markdown(List.of(DECODE, EMBEDDING)).lines().toList());
  }

  @Test
  void saysWhatIsResidentBeyondWeightsAndPlan() {
    String text = report(OptionalLong.of((12L << 20) + 5000)).markdown(List.of(DECODE));
    assertEquals(
        "resident at most 12.00 MiB, which is 2.00 MiB beyond these",
        text.substring(text.indexOf("resident")).strip());
  }

  @Test
  void jsonLeavesOutWhatIsNotKnown() {
    assertEquals(
        """
        [
          {"test": "tg8", "threads": 2, "tok_s": 12.0, "stddev": 2.82843, \
        "samples_tok_s": [10.0, 14.0], "first_token_s": 0.125, "cpu_s_per_token": 0.002, \
        "allocated_bytes_per_token": 96.0, "warm_up_runs": 7, "warm_up_s": 3.25, "stable": true, \
        "planned_bytes": 10485760, "mapped_bytes": 5000, "peak_resident_bytes": 1024, \
        "backend": "cpu", "model": "small"},
          {"test": "pp16x4", "threads": 2, "tok_s": 320.0, "stddev": 0.0, \
        "samples_tok_s": [320.0], "texts_s": 20.0, "warm_up_runs": 90, "warm_up_s": 60.0, \
        "stable": false, "planned_bytes": 10485760, "mapped_bytes": 5000, \
        "peak_resident_bytes": 1024, "backend": "cpu", "model": "small"}
        ]
        """,
        report(OptionalLong.of(1024)).json(List.of(DECODE, EMBEDDING)));
  }
}
