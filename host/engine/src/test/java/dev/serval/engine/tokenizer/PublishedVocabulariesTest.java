package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.serval.engine.gguf.GoldenFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Vocabularies that llama.cpp v0.5.0 ships, with the ids of the original tokenizers. */
class PublishedVocabulariesTest {

  private static final String FOLDER = "serval.vocabularies";

  @Test
  void givesTheIdsOfGpt2(@TempDir Path folder) throws IOException {
    Path vocabulary = folder.resolve("gpt-2.gguf");
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(GoldenFile.of("gpt-2/vocab.gguf.gz")))) {
      Files.copy(in, vocabulary);
    }
    Path texts = GoldenFile.of("gpt-2/texts.inp");
    PublishedVectors.read(vocabulary, texts, GoldenFile.of("gpt-2/ids.out")).check(46, "");
  }

  /** Too large, or not free enough, to lie here: {@code -Dserval.vocabularies=FOLDER}. */
  @ParameterizedTest
  @CsvSource({
    "gpt-2, 46, ''",
    "llama-bpe, 46, ''",
    "qwen2, 46, ''",
    "qwen35, 50, ''",
    "starcoder, 46, ''",
    "refact, 46, ''",
    "command-r, 46, ''",
    "falcon, 46, ''",
    "llama-spm, 46, ' '",
    "phi-3, 46, ' '",
    "gemma-4, 46, ''"
  })
  @Tag("nightly")
  void givesTheIdsOfTheOriginal(String name, int texts, String prefix) throws IOException {
    String folder = System.getProperty(FOLDER);
    assumeTrue(folder != null, "no folder of vocabularies given: -D" + FOLDER);
    Path file = Path.of(folder, "ggml-vocab-" + name + ".gguf");
    PublishedVectors.read(
            file,
            file.resolveSibling(file.getFileName() + ".inp"),
            file.resolveSibling(file.getFileName() + ".out"))
        .check(texts, prefix);
  }
}
