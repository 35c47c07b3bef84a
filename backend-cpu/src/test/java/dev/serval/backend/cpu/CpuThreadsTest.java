package dev.serval.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.settings.Setting;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.backend.cpu.team.ComputeTeam;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How many threads the backend computes with. */
@Timeout(30)
class CpuThreadsTest {

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 2", "7, 7", "32, 32", "40, 32"})
  void followsTheCoresUpToABound(int cores, int threads) {
    assertEquals(threads, CpuBackend.threads(Map.of(), new Processor("test", cores, 1)));
  }

  @Test
  void isWhatTheConfigurationSays() {
    Processor processor = new Processor("test", 4, 1);
    for (Object wish : List.of("1", 1, " 40 ")) {
      int threads = CpuBackend.threads(Map.of(Setting.CPU_THREADS.key(), wish), processor);
      assertEquals(Integer.parseInt(wish.toString().strip()), threads);
    }
    Map<String, Object> wrong = Map.of(Setting.CPU_THREADS.key(), "many");
    assertThrows(RequestRejectedException.class, () -> CpuBackend.threads(wrong, processor));
  }

  @Test
  void isTheNumberThatWorksAtOnce() {
    int threads = 3;
    try (CpuBackend backend = new CpuBackend(new CpuOptions(threads, KernelSets.best().set()))) {
      assertEquals(threads, backend.devices().devices().getFirst().profile().computeUnits());
    }
    CyclicBarrier allAtOnce = new CyclicBarrier(threads);
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    try (ComputeTeam team = new ComputeTeam(threads, "threads-test-")) {
      team.run(
          (_, _) -> {
            seen.add(Thread.currentThread());
            await(allAtOnce);
          },
          threads);
    }
    assertEquals(threads, seen.size());
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException(e);
    }
  }
}
