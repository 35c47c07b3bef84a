package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.launcher.ServalProcess.Result;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line as users start it: a process of its own on the assembled distribution. */
class CommandLineIT {

  private static final String STORY = "Tell me a story about a fox and a lighthouse.";

  @TempDir private Path temporary;

  private Result serval(String input, String... args) throws IOException, InterruptedException {
    return new ServalProcess(temporary).run("", input, args);
  }

  @Test
  void tellsAStoryAndEndsByItself() throws Exception {
    Result r = serval("", "run", "demo", STORY, "--temperature", "0", "--verbose");
    assertEquals(0, r.code, r.err);
    assertTrue(r.out.contains("fox") && r.out.contains("lighthouse"), r.out);
    assertTrue(r.err.contains("prefill") && r.err.contains("decode"), r.err);
    assertTrue(r.err.contains("context  1024 of 1024 tokens trained"), r.err);
    String plan = r.err.lines().filter(l -> l.startsWith("plan ")).findFirst().orElseThrow();
    String actual = r.err.lines().filter(l -> l.startsWith("actual ")).findFirst().orElseThrow();
    assertEquals(
        plan.substring(plan.indexOf("weights")), actual.substring(actual.indexOf("weights")));
  }

  @Test
  void writesDownItsEventsWhileJavaRecords() throws Exception {
    Path recording = temporary.resolve("recording.jfr");
    Result r =
        new ServalProcess(temporary)
            .run("-XX:StartFlightRecording:filename=" + recording, "", "run", "demo", STORY);
    assertEquals(0, r.code, r.err);
    Set<String> names = new TreeSet<>();
    for (RecordedEvent event : RecordingFile.readAllEvents(recording)) {
      names.add(event.getEventType().getName());
    }
    assertTrue(
        names.containsAll(List.of("dev.serval.Load", "dev.serval.Prefill", "dev.serval.Step")),
        names::toString);
  }

  @Test
  void plansForDevicesThatAreNotThere() throws Exception {
    Result here = serval("", "plan", "demo", "--num-ctx", "256");
    assertEquals(0, here.code, here.err);
    assertTrue(here.out.contains("embed..output"), here.out);
    String[] room = {"plan", "demo", "--devices", "1G,500MiB", "--json"};
    Result imaginary = serval("", room);
    assertEquals(0, imaginary.code, imaginary.err);
    assertTrue(imaginary.out.contains("planned as the cpu that is here"), imaginary.out);
    assertTrue(imaginary.out.contains("\"fits\": true"), imaginary.out);
    Result small = serval("", "plan", "demo", "--devices", "458MiB", "--full");
    assertEquals(1, small.code, small.out);
    assertTrue(small.out.contains("does not fit: "), small.out);
  }

  @Test
  void takesDefaultsFromTheConfigurationUnlessAnOptionSaysMore() throws Exception {
    String[] plan = {"plan", "demo", "--json"};
    String one = serval("", plan).out;
    assertTrue(one.contains("\"parallel\": 1"), one);
    Path file = temporary.resolve("data").resolve("plugins").resolve("dev.serval.engine.cfg");
    Files.writeString(file, "serval.parallel = 3\nserval.context.length = 128\n");
    String configured = serval("", plan).out;
    assertTrue(configured.contains("\"context\": 128, \"parallel\": 3"), configured);
    String told = serval("", "plan", "demo", "--json", "--parallel", "2").out;
    assertTrue(told.contains("\"context\": 128, \"parallel\": 2"), told);
  }

  @Test
  void readsThePromptFromStandardInput() throws Exception {
    Result argument = serval("", "run", "demo", STORY, "--temperature", "0");
    Result piped = serval(STORY + "\n", "run", "demo", "--temperature", "0");
    assertEquals(argument.out, piped.out);
  }

  @Test
  void drawsTheSameWithTheSameSeedAndStopsWhereTold() throws Exception {
    Result first = serval("", "run", "demo", STORY, "--seed", "7", "--temperature", "1.5");
    Result again = serval("", "run", "demo", STORY, "--seed", "7", "--temperature", "1.5");
    assertEquals(first.out, again.out);
    Result stopped = serval("", "run", "demo", STORY, "--temperature", "0", "--stop", ".");
    assertFalse(stopped.out.contains("."), stopped.out);
    Result limited = serval("", "run", "demo", STORY, "--temperature", "0", "--num-predict", "3");
    assertTrue(limited.out.length() < 40, limited.out);
  }

  @Test
  void writesJsonWhereToldTo() throws Exception {
    Path schema =
        Files.writeString(
            temporary.resolve("schema.json"),
            """
            {"type": "object", "required": ["animal", "age"],
             "properties": {"animal": {"enum": ["fox", "owl"]},
                            "age": {"type": "integer", "minimum": 1, "maximum": 99}}}\
            """);
    Result r = serval("", "run", "demo", STORY, "--format", schema.toString());
    assertEquals(0, r.code, r.err);
    assertTrue(
        r.out.matches(
            "(?s)\\{\\s*\"animal\":\\s*\"(fox|owl)\",\\s*\"age\":\\s*[1-9][0-9]?\\s*}\\R"),
        r.out);
    Result json = serval("", "run", "demo", STORY, "--format", "json", "--num-predict", "40");
    assertTrue(json.out.startsWith("{") && json.out.strip().endsWith("}"), json.out);
    Files.writeString(schema, "{\"not\": {}}");
    Result refused = serval("", "run", "demo", STORY, "--format", schema.toString());
    assertEquals(1, refused.code);
    assertTrue(refused.err.contains("request.grammar-invalid"), refused.err);
    assertTrue(refused.err.contains("/not"), refused.err);
  }

  @Test
  void writesATextThatMatchesAGrammarAndHowLikelyItsTokensWere() throws Exception {
    Path grammar =
        Files.writeString(temporary.resolve("a.gbnf"), "root ::= \"Once\" [a-z ]{9} \".\"");
    Result r = serval("", "run", "demo", STORY, "--grammar", grammar.toString());
    assertTrue(r.out.matches("Once[a-z ]{9}\\.\\R"), r.out + r.err);
    Result lines =
        serval(
            "",
            "run",
            "demo",
            STORY,
            "--temperature",
            "0",
            "--num-predict",
            "3",
            "--logprobs",
            "2");
    assertEquals(3, lines.out.lines().count(), lines.out);
    assertTrue(
        lines
            .out
            .lines()
            .allMatch(l -> l.matches("\\{\"id\": .*\"top_logprobs\": \\[\\{.*}, \\{.*}]}")),
        lines.out);
  }

  @Test
  void failsWithoutOutputOnAFileThatIsNoModel() throws Exception {
    Path file =
        Files.writeString(temporary.resolve("text.gguf"), "this is not a model file.......");
    Result r = serval("", "run", file.toString(), "hello");
    assertEquals(1, r.code);
    assertEquals("", r.out);
    assertTrue(r.err.contains("model.malformed"), r.err);
  }

  @Test
  void printsIdsAsAJsonListAlone() throws Exception {
    Result r = serval("a fox", "tokenize", "demo", "--ids", "-");
    assertEquals(0, r.code, r.err);
    assertTrue(r.out.matches("\\[2(, \\d+)+]\\R"), r.out);
    Result special = serval("", "tokenize", "demo", "--ids", "<end_of_turn>");
    Result plain = serval("", "tokenize", "demo", "--ids", "--no-special", "<end_of_turn>");
    assertEquals(2, special.out.split(",").length, special.out);
    assertTrue(plain.out.split(",").length > 2, plain.out);
  }

  @Test
  void writesARowOfLogitsPerToken() throws Exception {
    Path file = temporary.resolve("logits.f32");
    Result r = serval("", "logits", "demo", "--ids", "2,5,9", "--exact", "-o", file.toString());
    assertEquals(0, r.code, r.err);
    Result show = serval("", "show", "demo", "-v");
    int vocabulary =
        Integer.parseInt(show.out.replaceAll("(?s).*vocabulary +(\\d+) tokens.*", "$1"));
    assertEquals(3L * vocabulary * Float.BYTES, Files.size(file));
  }

  @Test
  void embedsTextsAsAJsonListPerLine() throws Exception {
    String model = golden("gemma-embedding-mini-Q8_0.gguf");
    Result arguments = serval("", "embed", model, "a fox", "and a lighthouse", "a fox");
    assertEquals(0, arguments.code, arguments.err);
    List<String> lines = arguments.out.lines().toList();
    assertEquals(3, lines.size(), arguments.out);
    assertEquals(lines.get(0), lines.get(2));
    assertEquals(1, length(vector(lines.get(1))), 1e-6);
    Result piped = serval("a fox\nand a lighthouse\na fox\n", "embed", model, "-");
    assertEquals(arguments.out, piped.out);
    Result raw = serval("", "embed", model, "--raw", "--purpose", "query", "a fox");
    double[] query = vector(raw.out.strip());
    assertEquals(64, query.length);
    assertTrue(Math.abs(length(query) - 1) > 1e-3, raw.out);
    Result spelledOut = serval("", "embed", model, "--raw", "task: search result | query: a fox");
    assertEquals(raw.out, spelledOut.out);
  }

  @Test
  void refusesTextsThatAreTooLongAndTextsForOtherModels() throws Exception {
    String model = golden("gemma-embedding-mini-Q8_0.gguf");
    Result r = serval("", "embed", model, "--num-ctx", "4", "a fox and a lighthouse");
    assertEquals(1, r.code);
    assertEquals("", r.out);
    assertTrue(r.err.contains("request.prompt-too-long: text 1 of 1 has"), r.err);
    Result decoder = serval("", "embed", "demo", "a fox");
    assertEquals(1, decoder.code);
    assertTrue(decoder.err.contains("request.capability-missing"), decoder.err);
    Result run = serval("", "run", model, "a fox");
    assertEquals(1, run.code);
    assertTrue(run.err.contains("request.capability-missing"), run.err);
  }

  @Test
  void writesTheGoldenVectorOfAnEmbeddingModel() throws Exception {
    String name = "gemma-embedding-mini-F32";
    Path file = temporary.resolve("embedding.f32");
    String ids =
        "2,14,290,270,301,411,500,612,733,804,905,266,275,288,299,310,321,333,344,355,366,377,388,"
            + "399,401,412,423,434,445,456,467,478,489,490,501,512,523,534,545,556";
    Result r =
        serval(
            "", "logits", golden(name + ".gguf"), "--ids", ids, "--exact", "-o", file.toString());
    assertEquals(0, r.code, r.err);
    FloatBuffer got = floats(file);
    FloatBuffer want = floats(Path.of(golden(name + ".embed.f32")));
    assertEquals(want.remaining(), got.remaining());
    for (int i = 0; i < want.remaining(); i++) {
      assertEquals(want.get(i), got.get(i), 2e-4);
    }
  }

  @Test
  void showsAndMeasuresEmbeddingModels() throws Exception {
    String model = golden("gemma-embedding-mini-Q8_0.gguf");
    Result show = serval("", "show", model);
    assertTrue(show.out.matches("(?s).*architecture +gemma-embedding\\R.*"), show.out);
    assertTrue(show.out.matches("(?s).*embeds +texts, pooling mean\\R.*"), show.out);
    Result bench = serval("", "bench", model, "-p", "16", "--texts", "4", "-r", "1", "-o", "json");
    assertEquals(0, bench.code, bench.err);
    assertTrue(bench.out.contains("\"pp16x4\"") && bench.out.contains("texts_s"), bench.out);
  }

  private static String golden(String name) throws URISyntaxException {
    URL url = CommandLineIT.class.getResource("/golden/" + name);
    return Path.of(Objects.requireNonNull(url, name).toURI()).toString();
  }

  private static FloatBuffer floats(Path file) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  private static double[] vector(String line) {
    assertTrue(line.startsWith("[") && line.endsWith("]"), line);
    return Arrays.stream(line.substring(1, line.length() - 1).split(", "))
        .mapToDouble(Double::parseDouble)
        .toArray();
  }

  private static double length(double... vector) {
    return Math.sqrt(Arrays.stream(vector).map(x -> x * x).sum());
  }

  @Test
  void printsBenchmarksAsJsonAlone() throws Exception {
    Result r =
        serval("", "bench", "demo", "-p", "32", "-n", "8", "-t", "2", "-r", "2", "-o", "json");
    assertEquals(0, r.code, r.err);
    assertTrue(r.out.strip().startsWith("[") && r.out.strip().endsWith("]"), r.out);
    for (String key :
        List.of(
            "\"pp32\"",
            "\"tg8\"",
            "\"threads\": 2",
            "tok_s",
            "stddev",
            "\"cpu\"",
            "first_token_s",
            "cpu_s_per_token",
            "allocated_bytes_per_token",
            "planned_bytes")) {
      assertTrue(r.out.contains(key), key + " in " + r.out);
    }
    Result one =
        serval("", "bench", "demo", "-p", "0", "-n", "4", "-d", "9", "-r", "1", "-o", "json");
    assertFalse(one.out.contains("\"pp"), one.out);
    assertTrue(one.out.contains("\"tg4@9\""), one.out);
  }

  @Test
  void listsBundlesAndReportsOnTheMachine() throws Exception {
    Result bundles = serval("", "bundles");
    assertEquals(0, bundles.code, bundles.err);
    assertTrue(bundles.out.contains("dev.serval.models.gemma"), bundles.out);
    assertFalse(bundles.out.contains("installed  "), bundles.out);
    Result doctor = serval("", "doctor");
    assertTrue(doctor.out.contains("-bit vectors"), doctor.out);
    assertTrue(doctor.out.contains("gemma3"), doctor.out);
  }

  @Test
  void showsAModelWithoutLoadingIt() throws Exception {
    Result plain = serval("", "show", "demo", "-v");
    assertEquals(0, plain.code, plain.err);
    assertTrue(plain.out.contains("eos_token_id"), plain.out);
    assertTrue(plain.out.contains("token_embd.weight"), plain.out);
    Result json = serval("", "show", "demo", "--json");
    assertEquals(0, json.code, json.err);
    assertTrue(json.out.startsWith("{\n  \"name\": "), json.out);
    assertTrue(json.out.contains("\"file\": \"demo.gguf\""), json.out);
  }

  @Test
  void quantizesAModelThatThenRunsFromACopy() throws Exception {
    Path file = temporary.resolve("smaller.gguf");
    Result written = serval("", "quantize", "demo", file.toString(), "Q8_0");
    assertEquals(0, written.code, written.err);
    assertEquals("", written.err.replaceAll("WARNING: .*incubator.*\\R", ""));
    Result again = serval("", "quantize", "demo", file.toString(), "Q8_0");
    assertEquals(1, again.code);
    assertTrue(again.err.contains("--force"), again.err);

    Result run =
        serval(
            "", "run", file.toString(), STORY, "--temperature", "0", "--load", "copy", "--verbose");
    assertEquals(0, run.code, run.err);
    assertTrue(run.out.contains("fox"), run.out);
    assertTrue(run.err.contains("copied"), run.err);
    assertTrue(run.err.contains("MB/s"), run.err);
  }
}
