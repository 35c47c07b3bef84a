package dev.serval.engine.grammar.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.serval.engine.gguf.GoldenFile;
import dev.serval.engine.grammar.Grammar;
import dev.serval.engine.grammar.GrammarLimits;
import dev.serval.engine.grammar.GrammarWalk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Texts drawn at random under a schema end in time and match it. */
class JsonWalkTest {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final SchemaRegistry REGISTRY =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

  static Stream<String> schemas() throws IOException {
    return Files.readString(GoldenFile.of("../schemas/accepted.jsonl")).lines();
  }

  @ParameterizedTest
  @MethodSource("schemas")
  void textsOfASchemaMatchIt(String text) {
    Schema schema = REGISTRY.getSchema(text);
    Grammar grammar = SchemaGrammar.of(text, GrammarLimits.DEFAULT);
    for (GrammarWalk.Taste taste : GrammarWalk.Taste.values()) {
      for (int seed = 0; seed < (taste == GrammarWalk.Taste.ANY ? 4 : 1); seed++) {
        String json = GrammarWalk.walk(text, grammar, taste, seed, 200 + 60 * seed);
        JsonNode parsed = MAPPER.readTree(json);
        assertTrue(parsed != null, json);
        assertEquals(
            List.of(),
            schema.validate(
                json,
                InputFormat.JSON,
                context -> context.executionConfig(c -> c.formatAssertionsEnabled(true))),
            () -> json);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 10, 40, 200})
  void jsonModeEndsInTimeAndIsAnObject(int limit) {
    for (GrammarWalk.Taste taste : GrammarWalk.Taste.values()) {
      for (int seed = 0; seed < 5; seed++) {
        String json = GrammarWalk.walk("json", JsonGrammar.anyObject(), taste, seed, limit);
        assertTrue(MAPPER.readTree(json).isObject(), json);
        assertTrue(json.getBytes(StandardCharsets.UTF_8).length >= 2, json);
      }
    }
  }
}
