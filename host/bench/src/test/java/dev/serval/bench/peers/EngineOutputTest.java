package dev.serval.bench.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.bench.peers.Engine.NotMeasuredException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EngineOutputTest {

  private static final Work.Generate GENERATE = new Work.Generate(512, 64, 0, "f16");

  private static Program.Ended printed(String out) {
    return new Program.Ended(0, out, 1.5);
  }

  @Test
  void readsPrefillAndDecodeOfLlamaBench() throws NotMeasuredException {
    Program.Ended ended =
        printed(
            """
            load_backend: loaded
            {"build_number": 1, "n_prompt": 512, "n_gen": 0, "avg_ts": 9, "samples_ts": [ 500.5, 510 ]}
            {"build_number": 1, "n_prompt": 0, "n_gen": 64, "avg_ts": 9, "samples_ts": [ 90.25 ]}
            """);
    assertEquals(
        Map.of("prefill 512", List.of(500.5, 510.0), "decode 64", List.of(90.25)),
        LlamaEngine.generated(GENERATE, ended));
  }

  @Test
  void readsPrefillAndDecodeOfServal() throws NotMeasuredException {
    Program.Ended ended =
        printed(
            """
            [
              {"test": "pp512", "threads": 2, "tok_s": 7.5, "samples_tok_s": [7.0, 8.0]},
              {"test": "tg64", "threads": 2, "tok_s": 1, "samples_tok_s": [1.0E-4]}
            ]
            """);
    assertEquals(
        Map.of("prefill 512", List.of(7.0, 8.0), "decode 64", List.of(1e-4)),
        ServalEngine.samples(GENERATE, ended));
  }

  @Test
  void turnsRatesOfEmbeddingIntoTimesOfATextAndTextsPerSecond() throws NotMeasuredException {
    Program.Ended ended =
        printed("{\"test\": \"pp20\", \"samples_tok_s\": [100.0], \"cpu_s_per_token\": 0.002}");
    Work.Embed one = new Work.Embed(20, 1);
    assertEquals(
        Map.of(one.wall().name(), List.of(200.0), one.cpu().name(), List.of(40.0)),
        ServalEngine.samples(one, ended));
    Work.Embed many = new Work.Embed(20, 32);
    assertEquals(List.of(5.0), ServalEngine.samples(many, ended).get(many.wall().name()));
  }

  @Test
  void countsGeneratedTokensFromRequestToEnd() throws NotMeasuredException {
    Program.Ended ended =
        printed("{\"pl\": 16, \"t_pp\": 0.5, \"t_tg\": 3.5, \"t\": 4.0, \"speed\": 1}");
    assertEquals(256, LlamaEngine.together(new Work.Concurrent(16, 64), ended));
  }

  @Test
  void measuresTextsBetweenTwoLinesOfTheLog() throws NotMeasuredException {
    String log =
        """
        0.58.500.250 I batch_decode: n_tokens = 640, n_seq = 32
        embedding 0: 0.1
        1.00.500.250 I llama_perf_context_print: load time = 1 ms
        1.00.600.000 I llama_perf_context_print: prompt eval time = 0 ms
        """;
    Work.Embed work = new Work.Embed(20, 32);
    assertEquals(16, LlamaEngine.rate(work, printed(log)), 1e-9);
    NotMeasuredException e =
        assertThrows(
            NotMeasuredException.class,
            () -> LlamaEngine.rate(work, printed(log.replace("640", "608"))));
    assertTrue(String.valueOf(e.getMessage()).contains("expected 640 tokens"), e.toString());
  }

  @Test
  void writesTextsOfEqualLengthThatDiffer() {
    List<String> lines = LlamaEngine.lines(20, 3).lines().toList();
    assertEquals(3, lines.stream().distinct().count());
    assertTrue(lines.stream().allMatch(line -> line.length() == 19), lines.toString());
  }

  @Test
  void readsLinesOfAnotherEngine() {
    assertEquals(
        Map.of("prefill 512", List.of(10.5), "decode 64", List.of(2.0, 3.0)),
        HookEngine.samples(GENERATE, "warming\nprefill 10.5\ndecode 2\ndecode 3\nbye\n"));
  }

  @Test
  void saysWhatAProgramPrintedLastWhenItFailed() throws InterruptedException {
    Program.Ended ended = Program.run(List.of("sh", "-c", "echo one; echo two >&2; exit 3"));
    NotMeasuredException e =
        assertThrows(NotMeasuredException.class, () -> Engine.requireSuccess(ended));
    assertEquals("exit code 3: two", e.getMessage());
    assertTrue(ended.cpuSeconds() >= 0, ended.toString());
  }

  @Test
  void addsProcessorTimeOfTheChildrenAlone() {
    Program.Ended ended =
        Program.ended(0, "result\n\n0m9.000000s 0m9.000000s\n1m2.500000s 0m0.250000s\n");
    assertEquals(62.75, ended.cpuSeconds(), 1e-9);
    assertEquals("result", ended.out().strip());
  }
}
