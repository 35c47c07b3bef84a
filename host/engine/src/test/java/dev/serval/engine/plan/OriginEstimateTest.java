package dev.serval.engine.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.memory.Alignment;
import dev.serval.api.tensor.DataType;
import dev.serval.engine.plan.OriginEstimate.Graphs;
import dev.serval.engine.plan.OriginEstimate.Run;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The estimates that the placement tests use are those of the origin. */
class OriginEstimateTest {

  private static final long MIB = 1 << 20;
  private static final long VOCABULARY = 262_144;
  private static final OriginEstimate GEMMA_4B =
      new OriginEstimate(2560, 8, 4, 256, VOCABULARY, 34);
  private static final OriginEstimate GEMMA_12B =
      new OriginEstimate(3840, 16, 8, 256, VOCABULARY, 48);
  private static final OriginEstimate GEMMA_27B =
      new OriginEstimate(5376, 32, 16, 128, VOCABULARY, 62);
  private static final OriginEstimate GPT_OSS_20B =
      new OriginEstimate(2880, 64, 8, 64, 201_088, 24);

  @Test
  void gemma3Graphs() {
    Run r = Run.f16(4096, 1);
    assertEquals(new Graphs(542_113_792, 1_092_616_192), GEMMA_4B.gemma3Graphs(r));
    assertEquals(new Graphs(544_735_232, 1_370_488_832), GEMMA_12B.gemma3Graphs(r));
    assertEquals(new Graphs(547_880_960, 1_703_936_000), GEMMA_27B.gemma3Graphs(r));
    assertEquals(1_083_440_128, OriginEstimate.visionGraph(896, 14, 3, 1152, 16));
  }

  @Test
  void gemma3Caches() {
    Run r = Run.f16(4096, 1);
    assertEquals(6 * MIB, GEMMA_4B.gemma3Kv(0, r, 1024));
    assertEquals(16 * MIB, GEMMA_4B.gemma3Kv(5, r, 1024));
    assertEquals(12 * MIB, GEMMA_12B.gemma3Kv(0, r, 1024));
    assertEquals(32 * MIB, GEMMA_27B.gemma3Kv(5, r, 1024));
    assertEquals(254 * MIB, GEMMA_4B.gemma3Kv(r, 1024));
    assertEquals(736 * MIB, GEMMA_12B.gemma3Kv(r, 1024));
    assertEquals(944 * MIB, GEMMA_27B.gemma3Kv(r, 1024));
    assertEquals(368 * MIB, GEMMA_12B.gemma3Kv(new Run(4096, 1, 512, 1), 1024));
  }

  /** What the origin estimates for 8 bits leaves out the scales, which the block table counts. */
  @Test
  void estimateOfQuantizedCachesIsTooLow() {
    double estimated = GEMMA_12B.kvPerBlock(new Run(4096, 1, 512, 1));
    long real = DataType.Q8_0.bytes(4096L * 2 * 256 * 8);
    assertEquals(1.0625, real / estimated);
  }

  @ParameterizedTest
  @CsvSource({"1, 1536, 1536", "2, 2560, 2816", "4, 4608, 4864"})
  void estimateOfWindowCellsIsTooLowForSeveralSequences(int parallel, long estimated, long real) {
    assertEquals(estimated, parallel * 1024L + 512);
    long memory = parallel > 1 ? 1024 + 1 : 1024; // room for the token that ends an answer
    assertEquals(real, Alignment.up(parallel * memory + 512, 256));
  }

  @Test
  void gptOss() {
    Run r = Run.f16(8192, 1);
    assertEquals(9 * MIB, GPT_OSS_20B.gptOssKv(0, r));
    assertEquals(16 * MIB, GPT_OSS_20B.gptOssKv(1, r));
    assertEquals(300 * MIB, GPT_OSS_20B.gptOssKv(r));
    assertEquals(1024 * MIB, GPT_OSS_20B.gptOssGraph(r, false));
    assertEquals(122 * MIB, GPT_OSS_20B.gptOssGraph(r, true));
    assertEquals(512 * MIB, GPT_OSS_20B.gptOssGraph(Run.f16(4096, 1), false));
    Run large = Run.f16(131_072, 1);
    assertEquals(3180 * MIB, GPT_OSS_20B.gptOssKv(large));
    assertEquals(242 * MIB, GPT_OSS_20B.gptOssGraph(large, true));
    Run four = Run.f16(8192, 4);
    assertEquals(1164 * MIB, GPT_OSS_20B.gptOssKv(four));
    assertEquals(158 * MIB, GPT_OSS_20B.gptOssGraph(four, true));
  }
}
