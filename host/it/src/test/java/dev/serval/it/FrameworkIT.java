package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.TokenSink;
import dev.serval.pax.PaxExam;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import javax.inject.Inject;
import org.junit.jupiter.api.Test;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.FrameworkUtil;

/** The shipped bundle set in Felix: generates, loses the Gemma bundle, gets it back. */
@PaxExam
@ExamReactorStrategy(PerClass.class)
public class FrameworkIT {

  private static final String GEMMA = "dev.serval.models.gemma";

  @Inject private BundleContext context;
  @Inject private Serval serval;

  /** What is installed. */
  @Configuration
  public Option[] configuration() throws IOException {
    return DistributionOptions.distribution();
  }

  @Test
  public void runsInsideTheFramework() {
    assertNotNull(FrameworkUtil.getBundle(getClass()), "the test class comes from a bundle");
    assertTrue(serval.devices().containsKey("cpu"), serval.devices().toString());
  }

  @Test
  public void startsEveryBundleOfTheDistribution() {
    for (Bundle b : context.getBundles()) {
      String name = String.valueOf(b.getSymbolicName());
      if (name.startsWith("dev.serval.")) {
        assertEquals(Bundle.ACTIVE, b.getState(), name);
      }
    }
  }

  @Test
  public void survivesAConsumerThatClosesTheSharedService() throws InterruptedException {
    serval.close();
    assertFalse(story().isEmpty());
  }

  @Test
  public void refusesWithTheMissingArchitectureAndGeneratesTheSameAfterItIsBack()
      throws BundleException, InterruptedException {
    String before = story();
    assertTrue(before.contains("fox") && before.contains("lighthouse"), before);

    Bundle gemma = bundle(GEMMA);
    gemma.stop();
    ModelRefusedException refused =
        assertThrows(ModelRefusedException.class, () -> serval.load(demo()));
    assertEquals(ModelRefusedException.Reason.ARCHITECTURE_UNKNOWN, refused.reason());
    assertTrue(refused.toString().contains("gemma3"), refused.toString());
    assertFalse(serval.architectures().contains("gemma3"));

    gemma.start();
    assertEquals(before, story());
  }

  @Test
  public void finishesTheStoryOfALoadedModelWithoutItsBundle()
      throws BundleException, InterruptedException {
    String whole = story();
    try (Model model = serval.load(demo())) {
      Bundle gemma = bundle(GEMMA);
      GenerateRequest request = GenerateRequest.of(Prompt.chat(REQUEST));
      int[] prompt = model.tokens(request.prompt());
      gemma.stop();
      try {
        Prompt rendered = new Prompt.Tokens(Arrays.stream(prompt).boxed().toList());
        String text =
            model
                .generate(
                    GenerateRequest.of(rendered).withSampling(SamplingOptions.GREEDY),
                    TokenSink.NONE)
                .await()
                .text();
        assertEquals(whole, text);
      } finally {
        gemma.start();
      }
    }
  }

  private static final String REQUEST = "Tell me a story about a fox and a lighthouse.";

  private String story() throws InterruptedException {
    try (Model model = serval.load(demo())) {
      return model
          .generate(
              GenerateRequest.of(Prompt.chat(REQUEST)).withSampling(SamplingOptions.GREEDY),
              TokenSink.NONE)
          .await()
          .text();
    }
  }

  private static LoadRequest demo() {
    return LoadRequest.of(
        Path.of(System.getProperty("serval.distribution"), "models", "demo.gguf"));
  }

  private Bundle bundle(String symbolicName) {
    return Arrays.stream(context.getBundles())
        .filter(b -> symbolicName.equals(b.getSymbolicName()))
        .findFirst()
        .orElseThrow();
  }
}
