package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TextArray;
import dev.serval.api.runtime.ModelPart;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelFactsTest {

  private static ModelSource source() {
    Metadata metadata =
        new Metadata.Builder()
            .put("general.architecture", "t")
            .put("general.name", "a \"model\"")
            .put("t.n", 7)
            .put("t.eps", (double) 1e-6f)
            .put("t.lowest", Double.NEGATIVE_INFINITY)
            .put("t.flag", true)
            .put("t.few", new long[] {1, 2})
            .put("t.flags", new boolean[] {true, false})
            .put("t.many", new double[] {0.5, 1, 2, 3, 4, 5, 6, 7, 8})
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", TextArray.of("<pad>", "<eos>", "<0x0A>", "a\nb"))
            .put("tokenizer.ggml.token_type", new long[] {3, 3, 6, 9})
            .put("tokenizer.ggml.eos_token_id", 1)
            .put("tokenizer.ggml.eos_token_ids", new long[] {1, 99})
            .put("tokenizer.ggml.add_bos_token", false)
            .put("tokenizer.chat_template", "{{ messages }}")
            .build();
    return new ModelSource(
        "file.gguf",
        metadata,
        List.of(
            view("norm", DataType.F32, 32),
            view("w", DataType.Q8_0, 32, 3),
            view("v", DataType.Q8_0, 64)));
  }

  private static TensorView view(String name, DataType type, long... ne) {
    return TensorView.of(new TensorInfo(name, type, Shape.of(ne)));
  }

  private final ModelFacts facts = new ModelFacts(source());

  @Test
  void addsUpTensorsByType() {
    assertEquals(
        Map.of(
            DataType.F32, new ModelFacts.Total(1, 32, 128),
            DataType.Q8_0, new ModelFacts.Total(2, 160, 170)),
        facts.totals());
    assertEquals(new ModelFacts.Total(3, 192, 298), facts.total());
  }

  @Test
  void summarisesTheTokenizer() {
    assertEquals(
        Map.of(
            "model",
            "llama",
            "tokens",
            4,
            "types",
            Map.of("control", 2, "byte", 1, "9", 1),
            "add_bos_token",
            false,
            "special",
            Map.of(
                "eos_token_id", List.of(1L, "<eos>"),
                "eos_token_ids", List.of(1L, "<eos>", 99L)),
            "chat_template",
            "14 characters"),
        facts.tokenizer());
  }

  @Test
  void showsValuesAndOnlyTheFirstElementsOfLongArrays() {
    assertEquals(7L, facts.value("t.n"));
    assertEquals(1e-6, facts.value("t.eps"));
    assertEquals(true, facts.value("t.flag"));
    assertEquals(List.of(1L, 2L), facts.value("t.few"));
    assertEquals(List.of(1L, 0L), facts.value("t.flags"));
    assertEquals(
        Map.of("length", 9, "first", List.of(0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)),
        facts.value("t.many"));
    assertEquals(List.of("<pad>", "<eos>", "<0x0A>", "a\nb"), facts.value("tokenizer.ggml.tokens"));
  }

  @Test
  void writesEverythingAsJson() {
    String json = Json.lines(facts.all(List.of(new ModelPart("file.gguf", 3, 1000, 3, 298))));

    assertTrue(json.startsWith("{\n  \"name\": \"a \\\"model\\\"\",\n"), json);
    for (String part :
        List.of(
            "  \"parameters\": 192,\n",
            "    {\"file\": \"file.gguf\", \"version\": 3, \"bytes\": 1000, \"tensors\": 3,"
                + " \"tensor_bytes\": 298}\n",
            "    \"t.eps\": 1.0E-6,\n",
            "    \"t.lowest\": \"-Infinity\",\n",
            "    {\"name\": \"w\", \"type\": \"Q8_0\", \"shape\": [32, 3], \"bytes\": 102},\n")) {
      assertTrue(json.contains(part), part + " in " + json);
    }
    assertFalse(json.contains("a\nb"), "control characters are escaped");
    assertTrue(json.endsWith("\n}"), json);
  }

  @Test
  void writesEmptyThingsAsJson() {
    assertEquals("{}", Json.lines(Map.of()));
    assertEquals("[]", Json.lines(List.of()));
    assertEquals("{\n  \"a\": {}\n}", Json.lines(Map.of("a", Map.of())));
    assertEquals("[\n  {\"a\": [1, true]}\n]", Json.lines(List.of(Map.of("a", List.of(1, true)))));
  }
}
