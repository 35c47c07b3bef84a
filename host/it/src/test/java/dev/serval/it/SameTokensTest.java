package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.tensor.DataType;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.backend.cpu.CpuOptions;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.engine.Engine;
import dev.serval.models.gemma.GemmaArchitecture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The tokens of a text do not depend on threads, nor on what was computed before it. */
@Timeout(120)
class SameTokensTest {

  private static final int TOKENS = 80;

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"F16", "Q8_0"})
  void coldWarmAndWithAReusedPrefixOnOneThreadAndTwo(DataType kvType) throws Exception {
    SplittableRandom random = new SplittableRandom(23);
    List<Integer> prompt = random.ints(70, 5, 900).boxed().toList();
    List<Integer> longer = new ArrayList<>(prompt.subList(0, 50));
    longer.addAll(random.ints(40, 5, 900).boxed().toList());
    Path file = LongGolden.write(folder, 1024, 16);
    LoadRequest load = LoadRequest.of(file).withKvType(kvType).withChunkTokens(32);
    List<List<Integer>> runs = new ArrayList<>();
    for (int threads = 1; threads <= 2; threads++) {
      try (CpuBackend backend = new CpuBackend(new CpuOptions(threads, KernelSets.best().set()));
          Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
          Model model = engine.load(load)) {
        ContextOptions anew = ContextOptions.DEFAULT.withoutReuse();
        runs.add(generate(model, prompt, anew, 0));
        runs.add(generate(model, prompt, anew, 0));
        runs.add(generate(model, prompt, ContextOptions.DEFAULT, 69));
        generate(model, longer, ContextOptions.DEFAULT, 50);
        runs.add(generate(model, prompt, ContextOptions.DEFAULT, 69));
      }
    }
    for (List<Integer> run : runs) {
      assertEquals(TOKENS, run.size());
      assertEquals(runs.getFirst(), run);
    }
  }

  private static List<Integer> generate(
      Model model, List<Integer> prompt, ContextOptions context, int reused) throws Exception {
    GenerateRequest request =
        GenerateRequest.of(new Prompt.Tokens(prompt))
            .withSampling(SamplingOptions.GREEDY)
            .withMaxTokens(TOKENS)
            .withContext(context)
            .ignoringEnd();
    GenerationResult r = model.generate(request, TokenSink.NONE).await();
    assertEquals(reused, r.use().reused());
    return r.tokens();
  }
}
