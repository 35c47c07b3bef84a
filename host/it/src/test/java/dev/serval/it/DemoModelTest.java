package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.engine.Engine;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.models.gemma.GemmaArchitecture;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo model tells stories about subjects that never met in training. */
class DemoModelTest {

  private static final Path DEMO = Path.of("..", "launcher", "demo");
  private static final int WANTED = 18;

  @TempDir private Path temporary;

  @Test
  void tellsGrammaticalStoriesAboutPairsItNeverSaw() throws Exception {
    StoryGrammar grammar = StoryGrammar.read(DEMO.resolve("stories.grammar"));
    List<String> pairs =
        Files.readAllLines(DEMO.resolve("heldout.txt")).stream().filter(l -> !l.isBlank()).toList();
    assertEquals(20, pairs.size());
    List<String> stories = stories(pairs);
    List<String> failures = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      String[] subjects = pairs.get(i).split("\\|");
      String first = noun(subjects[0]);
      String second = noun(subjects[1]);
      String story = stories.get(i);
      boolean named = story.contains(first) && story.contains(second);
      if (!named || !grammar.isStory(story, first, second)) {
        failures.add(pairs.get(i) + ": " + story);
      }
    }
    assertTrue(pairs.size() - failures.size() >= WANTED, String.join("\n", failures));
    assertTrue(stories.stream().distinct().count() > WANTED, "the stories differ");
  }

  /** The training program computed them from the same file, in float32. */
  @Test
  void givesTheIdsThatAnIndependentImplementationComputed() throws Exception {
    try (CpuBackend backend = new CpuBackend();
        Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
        Model model = engine.load(LoadRequest.of(DEMO.resolve("demo.gguf")).exactly())) {
      Prompt prompt = Prompt.text("");
      int checked = 0;
      for (String line : Files.readAllLines(DEMO.resolve("expected.txt"))) {
        if (line.startsWith("request: ")) {
          prompt = Prompt.chat(line.substring("request: ".length()));
        } else if (line.startsWith("prompt: ")) {
          assertEquals(ids(line), Arrays.stream(model.tokens(prompt)).boxed().toList());
        } else if (line.startsWith("ids: ")) {
          GenerateRequest request =
              GenerateRequest.of(prompt).withSampling(SamplingOptions.GREEDY).withMaxTokens(400);
          assertEquals(ids(line), model.generate(request, TokenSink.NONE).await().tokens());
          checked++;
        }
      }
      assertTrue(checked >= 5, checked + " requests");
    }
  }

  private static List<Integer> ids(String line) {
    return Arrays.stream(line.substring(line.indexOf(' ') + 1).split(" "))
        .map(Integer::valueOf)
        .toList();
  }

  @Test
  void refusesAStoryThatLeavesTheGrammar() throws IOException {
    StoryGrammar grammar = StoryGrammar.read(DEMO.resolve("stories.grammar"));
    String broken = "Once upon a time there was a fox in a hollow under an old tree.";
    assertTrue(!grammar.isStory(broken, "fox", "lighthouse"), "a beginning is no story");
  }

  @Test
  void writesAnotherTextWhenOneWeightChanges() throws Exception {
    Path file = DEMO.resolve("demo.gguf");
    String before = story(file);
    byte[] bytes = Files.readAllBytes(file);
    Path changed = temporary.resolve("changed.gguf");
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(offsetOfNorm(file), 1000f);
    Files.write(changed, bytes);
    assertNotEquals(before, story(changed));
  }

  /** Where the weights of the last norm begin, F32. */
  private static int offsetOfNorm(Path file) throws IOException {
    try (GgufFile gguf = GgufFile.open(file)) {
      TensorInfo info = gguf.source().tensor("output_norm.weight").source();
      assertEquals(DataType.F32, info.type());
      byte[] norm = gguf.weights().data(info).toArray(ValueLayout.JAVA_BYTE);
      return indexOf(Files.readAllBytes(file), norm);
    }
  }

  private static int indexOf(byte[] all, byte[] part) {
    for (int i = 0; i <= all.length - part.length; i++) {
      if (Arrays.equals(all, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    throw new IllegalStateException("not in the file");
  }

  private static String noun(String withArticle) {
    return withArticle.substring(withArticle.indexOf(' ') + 1).strip();
  }

  private static List<String> stories(List<String> pairs) throws InterruptedException {
    try (CpuBackend backend = new CpuBackend();
        Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
        Model model = engine.load(LoadRequest.of(DEMO.resolve("demo.gguf")))) {
      List<Generation> all = new ArrayList<>();
      for (String pair : pairs) {
        all.add(model.generate(request(pair.replace("|", " and ")), TokenSink.NONE));
      }
      List<String> texts = new ArrayList<>();
      for (Generation g : all) {
        texts.add(g.await().text().strip());
      }
      return texts;
    }
  }

  private static String story(Path file) throws InterruptedException {
    try (CpuBackend backend = new CpuBackend();
        Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
        Model model = engine.load(LoadRequest.of(file))) {
      return model.generate(request("a fox and a lighthouse"), TokenSink.NONE).await().text();
    }
  }

  private static GenerateRequest request(String subjects) {
    return GenerateRequest.of(Prompt.chat("Tell me a story about " + subjects + "."))
        .withSampling(SamplingOptions.GREEDY)
        .withMaxTokens(400);
  }
}
