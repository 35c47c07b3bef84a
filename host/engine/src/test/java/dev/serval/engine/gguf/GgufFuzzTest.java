package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.DictionaryEntries;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.serval.api.error.ModelRefusedException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;

/**
 * Any bytes are refused with a typed error or open as tensors inside the file that do not overlap,
 * and cost no more than {@link HostileSizeTest} allows.
 */
class GgufFuzzTest {

  private static final Path PATH = Path.of("fuzz.gguf");

  /** Loads the classes, so that what they allocate is not counted. */
  @BeforeAll
  static void warmUp() throws IOException {
    open(FieldedFile.example().toArray());
    open(new byte[24]);
  }

  @FuzzTest(maxDuration = "10m")
  @DictionaryEntries({
    "GGUF",
    "general.architecture",
    "general.alignment",
    "gpt-oss",
    "split.count",
    "tokenizer.ggml.tokens",
  })
  void opensWithinBoundsOrIsRefused(byte[] bytes) throws IOException {
    long before = Allocation.ofThisThread();
    open(bytes);
    long allocated = Allocation.ofThisThread() - before;
    assertTrue(allocated <= 16L * bytes.length + (8 << 20), allocated + " bytes allocated");
  }

  private static void open(byte[] bytes) throws IOException {
    try (GgufPart part =
        GgufPart.read(PATH, "fuzz.gguf", new BytesChannel(bytes), GgufLimits.DEFAULT)) {
      TensorTable table = part.tensors();
      long end = 0;
      for (TensorTable.Stored t :
          table.tensors().stream()
              .filter(t -> t.info().bytes() > 0)
              .sorted((a, b) -> Long.compare(a.offset(), b.offset()))
              .toList()) {
        assertTrue(t.offset() >= end, "overlap");
        end = Math.addExact(t.offset(), t.info().bytes());
        assertTrue(Math.addExact(table.start(), end) <= bytes.length, "past the end");
      }
      part.metadata().keys().forEach(part.metadata()::describe);
    } catch (ModelRefusedException e) {
      assertTrue(String.valueOf(e.getMessage()).length() < 2000, e.getMessage());
    }
  }
}
