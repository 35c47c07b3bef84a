package dev.serval.models.gemma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.model.Match;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TextArray;
import dev.serval.api.tensor.DataType;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class GemmaArchitectureTest {

  private final GemmaArchitecture gemma = new GemmaArchitecture();

  private static ModelSource mini() {
    return GemmaHeaders.llamaCpp(GemmaHeaders.MINI);
  }

  @Test
  void isFoundByTheServiceLoader() {
    assertTrue(
        ServiceLoader.load(ModelArchitecture.class).stream()
            .anyMatch(p -> p.type().equals(GemmaArchitecture.class)));
  }

  @Test
  void matchesLanguageModelsOfBothWriters() {
    for (ModelSource source :
        List.of(
            mini(),
            GemmaHeaders.ollama(GemmaHeaders.B4),
            GemmaHeaders.with(mini(), "general.type", "model"))) {
      assertEquals(new Match.Yes(100), gemma.match(source));
    }
  }

  @Test
  void refusesOtherArchitecturesWithTheirName() {
    refuses(GemmaHeaders.with(mini(), Metadata.ARCHITECTURE, "gemma-embedding"), "gemma-embedding");
    refuses(GemmaHeaders.without(mini(), Metadata.ARCHITECTURE), "absent");
  }

  @Test
  void refusesFilesThatAreNotModels() {
    refuses(GemmaHeaders.with(mini(), "general.type", "adapter"), "adapter");
  }

  @Test
  void refusesAnEmbeddingGemmaOfOllama() {
    refuses(
        mini().withTensor(GemmaHeaders.tensor("dense.0.weight", DataType.F16, 64, 256)),
        "dense.0.weight");
  }

  private void refuses(ModelSource source, String reason) {
    Match.No no = assertInstanceOf(Match.No.class, gemma.match(source));
    assertEquals(1, no.reasons().size());
    assertTrue(no.reasons().getFirst().contains(reason), no.reasons().getFirst());
  }

  @Test
  void trainedContextIsThatOfTheFile() {
    assertEquals(131_072, gemma.trainedContext(GemmaHeaders.llamaCpp(GemmaHeaders.B27)));
  }

  @Test
  void chatsOnlyWithAVocabularyThatHasTurns() {
    assertTrue(gemma.chatFormat(mini()).isEmpty());
    assertTrue(gemma.chatFormat(withTokens("<bos>", "<start_of_turn>")).isEmpty());
    assertTrue(gemma.chatFormat(withTokens("<start_of_turn>", "<end_of_turn>", "a")).isPresent());
  }

  private static ModelSource withTokens(String... tokens) {
    return mini()
        .withMetadata(
            mini().metadata().toBuilder()
                .put("tokenizer.ggml.tokens", TextArray.of(tokens))
                .build());
  }
}
