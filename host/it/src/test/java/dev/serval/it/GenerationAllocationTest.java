package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenSink;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A generation whose text is delivered allocates nothing on the runner's thread and on the
 * backend's, from one token to the next. Text becomes an object on the delivery thread alone.
 */
@Timeout(180)
class GenerationAllocationTest {

  private static final int WARM = 20;
  private static final int STEPS = 200;

  /** The consumer is behind the runner by a few tokens at most: what it reads is nearly current. */
  private static final int MARGIN = 40;

  private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(120);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Reads counters of other threads when tokens arrive. */
  private static final class Reading implements TokenSink {

    private final long[] threads;
    private int characters;
    private long before;
    private volatile long bytes = -1;

    Reading(long[] threads) {
      this.threads = threads;
    }

    private long allocated() {
      long sum = 0;
      for (long id : threads) {
        sum += THREADS.getThreadAllocatedBytes(id);
      }
      return sum;
    }

    @Override
    public void accept(TokenEvent event) {
      characters += event.text().length();
      if (event.index() == WARM) {
        before = allocated();
      } else if (event.index() == WARM + STEPS) {
        bytes = allocated() - before;
      }
    }
  }

  @Test
  void twoHundredDeliveredTokensAllocateNothing() throws Exception {
    Path file =
        Path.of(
            Objects.requireNonNull(getClass().getResource("/golden/gemma3-mini-Q8_0.gguf"))
                .toURI());
    try (Serval serval = Serval.start();
        Model model = serval.load(LoadRequest.of(file))) {
      long[] threads = threads();
      assertTrue(threads.length >= 2, "a runner and at least one thread of the backend");
      GenerateRequest request =
          GenerateRequest.of(Prompt.text("a b"))
              .withSampling(SamplingOptions.DEFAULT)
              .withStop(List.of("never said"))
              .withMaxTokens(WARM + STEPS + MARGIN)
              .ignoringEnd();
      long deadline = System.nanoTime() + MOST_NANOS;
      long bytes = -1;
      // One text after the other, until one costs nothing or the compiler had time enough.
      while (bytes != 0 && System.nanoTime() < deadline) {
        Reading reading = new Reading(threads);
        model.generate(request, reading).await();
        assertTrue(reading.characters > 0, "text was delivered");
        bytes = reading.bytes;
      }
      assertEquals(0, bytes, "bytes in " + STEPS + " steps");
    }
  }

  private static long[] threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(
            t -> t.getName().startsWith("serval-cpu-") || t.getName().startsWith("serval-runner-"))
        .mapToLong(Thread::threadId)
        .toArray();
  }
}
