package dev.serval.api.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MetricsTest {

  @Test
  void addsWhatHasOneName() {
    Metrics metrics = new Metrics();
    metrics.counter("a").add(1);
    metrics.group().tally("a").add(2);
    metrics.group().tally("a").add(3);
    metrics.gauge("b", () -> 7);
    MetricsSnapshot snapshot = metrics.snapshot();
    assertEquals(6, snapshot.value("a"));
    assertEquals(7, snapshot.value("b"));
    assertEquals(0, snapshot.value("c"));
    assertEquals(Set.of("b"), snapshot.gauges());
    assertEquals(List.of("a"), List.copyOf(snapshot.counted().values().keySet()));
  }

  @Test
  void givesOneTallyPerNameOfAGroup() {
    TallyGroup group = new Metrics().group();
    assertSame(group.tally("x"), group.tally("x"));
  }

  @Test
  void readsWhatBelongsTogetherAsOfOneMoment() throws InterruptedException {
    Metrics metrics = new Metrics();
    TallyGroup group = metrics.group();
    Tally one = group.tally("one");
    Tally three = group.tally("three");
    AtomicBoolean over = new AtomicBoolean();
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              while (!over.get()) {
                group.begin();
                one.increment();
                three.add(3);
                group.end();
              }
            });
    long last = 0;
    for (int i = 0; i < 20_000 || last == 0; i++) {
      MetricsSnapshot snapshot = metrics.snapshot();
      assertEquals(3 * snapshot.value("one"), snapshot.value("three"));
      assertTrue(snapshot.value("one") >= last, "a counter went back");
      last = snapshot.value("one");
    }
    over.set(true);
    writer.join();
  }

  @Test
  void losesNothingThatManyThreadsCount() throws InterruptedException {
    Metrics metrics = new Metrics();
    List<Thread> writers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      writers.add(
          Thread.ofPlatform()
              .start(() -> {
                Tally own = metrics.group().tally("own");
                for (int n = 0; n < 10_000; n++) {
                  metrics.counter("shared").increment();
                  own.increment();
                }
              }));
    }
    for (Thread writer : writers) {
      writer.join();
    }
    assertEquals(40_000, metrics.snapshot().value("shared"));
    assertEquals(40_000, metrics.snapshot().value("own"));
  }

  @Test
  void asksEachTimeWhetherToMeasureTime() {
    AtomicBoolean timing = new AtomicBoolean(true);
    Metrics metrics = new Metrics(timing::get);
    assertTrue(metrics.isTiming());
    timing.set(false);
    assertFalse(metrics.isTiming());
  }
}
