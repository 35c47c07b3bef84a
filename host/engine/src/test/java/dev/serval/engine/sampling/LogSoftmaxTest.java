package dev.serval.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.runtime.TokenLogprobs;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LogSoftmaxTest {

  private static TokenLogprobs of(int token, int top, float... logits) {
    MemorySegment row = MemorySegment.ofArray(logits);
    LogSoftmax softmax = new LogSoftmax(logits.length, top);
    softmax.read(row);
    return softmax.of(token, row);
  }

  @Test
  void isTheLogarithmOfTheShare() {
    float[] logits = {0, (float) Math.log(2), (float) Math.log(5)};
    TokenLogprobs p = of(1, 2, logits);

    assertEquals(Math.log(2 / 8.0), p.logprob(), 1e-7);
    assertEquals(List.of(2, 1), p.top().stream().map(TokenLogprobs.Alternative::token).toList());
    assertEquals(Math.log(5 / 8.0), p.top().getFirst().logprob(), 1e-7);
  }

  @Test
  void staysFiniteForLargeLogits() {
    assertEquals(-Math.log(2), of(0, 0, 3e38f, 3e38f).logprob(), 1e-9);
    assertEquals(0, of(0, 1, 1000, -1000).logprob(), 1e-12);
    assertEquals(Double.NEGATIVE_INFINITY, of(1, 5, 0, Float.NEGATIVE_INFINITY).logprob());
    assertEquals(1, of(1, 5, 0, Float.NEGATIVE_INFINITY).top().size());
  }

  @Test
  void prefersTheLowestIdAmongEquals() {
    assertEquals(
        List.of(1, 3),
        of(0, 2, 0, 7, 1, 7, 7).top().stream().map(TokenLogprobs.Alternative::token).toList());
  }

  @Test
  void sharesAddUpToOne() {
    Random random = new Random(1);
    float[] logits = new float[1000];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian() * 5;
    }
    double sum =
        of(0, logits.length, logits).top().stream().mapToDouble(a -> Math.exp(a.logprob())).sum();

    assertEquals(1, sum, 1e-12);
  }
}
