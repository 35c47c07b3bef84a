package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.Step;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.BufferPool;
import dev.serval.tck.memory.TestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class KvCacheTest {

  private static final int CHUNK = 8;
  private static final int WINDOW = 6;
  private static final long TIER = BufferPool.TIER_1_BYTES;

  private final Graph graph = TestGroups.graph(MaskKind.CAUSAL, MaskKind.sliding(WINDOW));
  private final List<Integer> sizes = List.of(1024, 64);
  private final RowProgram program = new RowProgram(graph, sizes);
  private final KvCells cells = new KvCells(graph.groups(), sizes, CHUNK, 2);
  private final Step step = TestGroups.step(graph, CHUNK, 8, 1024, 64);
  private final TestMemory host = new TestMemory(9 * TIER);
  private final KvCache cache = new KvCache(cells, List.of(program), host.resources(), 4 * TIER);
  private final List<List<Integer>> texts = new ArrayList<>();

  KvCacheTest() {
    for (int s = 0; s < 8; s++) {
      texts.add(new ArrayList<>());
    }
  }

  @AfterEach
  void allMemoryComesBack() {
    cache.close();
    host.close();
  }

  /** Computes n more tokens, in chunks. */
  private void grow(int s, int n) {
    for (int left = n; left > 0; left -= CHUNK) {
      chunk(s, Math.min(left, CHUNK));
    }
  }

  private void chunk(int s, int n) {
    List<Integer> text = texts.get(s);
    int position = text.size();
    step.begin();
    for (int i = 0; i < n; i++) {
      text.add(1000 * s + position + i);
      step.token(text.getLast(), position + i, s);
    }
    cells.place(step, 0, s, position, n);
    program.compute(step, texts);
    cells.settle();
  }

  private Resumption resume(int s, int position) {
    Resumption r = cache.resume(s, position);
    texts.get(s).subList(r.position(), texts.get(s).size()).clear();
    return r;
  }

  @Test
  void withoutCheckpointATextThatIsOutOfSightStartsOver() {
    grow(0, 100);
    assertEquals(new Resumption(100, 100, false, ""), cache.resumable(0, 100));
    assertEquals(
        new Resumption(120, 100, false, "sequence 0 has 100 tokens in the cache"),
        cache.resumable(0, 120));
    Resumption r = resume(0, 50);
    assertEquals(List.of(0, 50), List.of(r.position(), r.lost()));
    assertEquals(
        "what position 50 of sequence 0 sees of MaskKind[type=SLIDING, window=6] is neither in the"
            + " cache, which begins at 89, nor in a checkpoint that has room",
        r.reason());
    grow(0, 10);
  }

  @Test
  void promptIsResumedAtItsEndAndBeforeItsLastToken() {
    grow(0, 40);
    assertTrue(cache.checkpoint(0, cells.length(0)));
    grow(0, 60);
    assertEquals(new Resumption(40, 40, true, ""), cache.resumable(0, 40));
    assertEquals(new Resumption(39, 39, true, ""), cache.resumable(0, 39));
    assertEquals(0, cache.resumable(0, 38).position());
    assertEquals(40, cache.resumable(0, 70).position());
    assertEquals(new Resumption(39, 39, true, ""), resume(0, 39));
    grow(0, 60);
    assertEquals(39, resume(0, 50).position(), "its token 39 is another one now");
    grow(0, 20);
  }

  @Test
  void forkInheritsCheckpoints() {
    grow(0, 40);
    cache.checkpoint(0, cells.length(0));
    grow(0, 60);
    cache.fork(0, 1, 45);
    texts.get(1).addAll(texts.get(0).subList(0, 45));
    cache.fork(0, 2, 20);
    assertEquals(20, cells.length(2));
    assertEquals(0, cache.resumable(2, 20).position());
    cache.remove(0, 0);
    texts.get(0).clear();
    assertEquals(TIER, cache.checkpointBytes());
    assertEquals(new Resumption(40, 40, true, ""), resume(1, 40));
    grow(1, 30);
    cache.remove(1, 0);
    texts.get(1).clear();
    assertEquals(0, cache.checkpointBytes());
  }

  @Test
  void leastRecentlyUsedCheckpointGoesFirst() {
    for (int i = 1; i <= 4; i++) {
      grow(0, 20);
      assertTrue(cache.checkpoint(0, cells.length(0)));
    }
    assertTrue(cache.checkpoint(0, cells.length(0)), "the same again takes nothing");
    assertEquals(4 * TIER, cache.checkpointBytes());
    cache.fork(0, 1, 20);
    texts.get(1).addAll(texts.get(0).subList(0, 20));
    resume(1, 20);
    grow(0, 20);
    assertTrue(cache.checkpoint(0, cells.length(0)));
    assertEquals(4 * TIER, cache.checkpointBytes());
    grow(0, 20);
    assertEquals(20, cache.resumable(0, 58).position(), "40 was used least");
    assertEquals(60, cache.resumable(0, 61).position());
  }

  @Test
  void budgetOfTheHostLimitsCheckpointsToo() {
    TestMemory small = new TestMemory(TIER);
    try (KvCache tight = new KvCache(cells, List.of(program), small.resources(), 4 * TIER)) {
      grow(0, 20);
      assertTrue(tight.checkpoint(0, cells.length(0)));
      grow(0, 20);
      assertTrue(tight.checkpoint(0, cells.length(0)), "the older one makes room");
      assertEquals(TIER, tight.checkpointBytes());
      grow(0, 20);
      assertEquals(40, tight.resumable(0, 40).position());
    }
    try (KvCache none = new KvCache(cells, List.of(program), small.resources(), TIER - 1)) {
      assertFalse(none.checkpoint(0, cells.length(0)));
    }
    small.close();
  }

  /** With checkpoints where they are due, no way back costs more than a window and a chunk. */
  @Test
  void dueCheckpointsBoundTheWayBack() {
    TestMemory large = new TestMemory();
    try (KvCache ample = new KvCache(cells, List.of(program), large.resources(), 1 << 30)) {
      for (int i = 0; i < 30; i++) {
        grow(0, CHUNK);
        ample.remember(0, 0);
      }
      for (int p = WINDOW + CHUNK; p <= 30 * CHUNK; p++) {
        assertTrue(ample.resumable(0, p).lost() < WINDOW + CHUNK, "position " + p);
      }
    }
    large.close();
  }

  @Test
  void middleOfATextIsTakenOut() {
    grow(0, 60);
    cache.checkpoint(0, cells.length(0));
    grow(0, 20);
    cache.remove(0, 4, 66);
    texts.get(0).subList(4, 66).clear();
    assertEquals(18, cells.length(0));
    assertEquals(18, cache.resumable(0, 18).position());
    assertEquals(0, cache.checkpointBytes(), "a checkpoint of another text");
    grow(0, 30);
  }

  /** A text and a fork of it lose their middles, one after the other, and go on. */
  @Test
  void whatIsSharedIsCopiedBeforeItMoves() {
    grow(0, 20);
    cache.fork(0, 1, 20);
    texts.get(1).addAll(texts.get(0));
    cache.remove(0, 2, 5);
    texts.get(0).subList(2, 5).clear();
    cells.tables().forEach(CellInvariants::check);
    grow(0, 20);
    grow(1, 20);
    cache.remove(1, 2, 5);
    texts.get(1).subList(2, 5).clear();
    grow(1, 20);
    assertEquals(0, host.resources().budget().reservedBytes(), "copies went through host memory");
  }

  @Test
  void nothingMovesWithoutRoomForCopies() {
    CellTable causal = cells.tables().getFirst();
    grow(0, 24);
    cache.fork(0, 1, 24);
    texts.get(1).addAll(texts.get(0));
    while (causal.freeCells() >= 16) {
      grow(2, 8);
    }
    assertFalse(cache.hasRoomToMove(0, 2, 5));
    CacheFullException e = assertThrows(CacheFullException.class, () -> cache.remove(0, 2, 5));
    assertEquals(List.of(19, 8), List.of(e.wanted(), e.free()));
    grow(0, 2);
    cache.remove(1, 0);
    texts.get(1).clear();
    assertTrue(cache.hasRoomToMove(0, 2, 5), "nobody shares it now");
    cache.remove(0, 2, 5);
    texts.get(0).subList(2, 5).clear();
    grow(0, 2);
  }

  @Test
  void nothingMovesWithoutHostMemoryForCopies() {
    TestMemory none = new TestMemory(TIER - 1);
    try (KvCache tight = new KvCache(cells, List.of(program), none.resources(), 0)) {
      grow(0, 20);
      tight.fork(0, 1, 20);
      texts.get(1).addAll(texts.get(0));
      assertThrows(OutOfBudgetException.class, () -> tight.remove(0, 2, 5));
      grow(0, 5);
      grow(1, 5);
    }
    none.close();
  }

  /** Whether a window loses something is a matter of positions: not of what is kept beyond it. */
  @Test
  void windowsAreKeptWhereAsMuchIsBehindTheGap() {
    grow(0, 30);
    assertTrue(cache.keepsWindows(0, 2, 25), "window 6: the next token sees 5 before it");
    assertFalse(cache.keepsWindows(0, 2, 26));
    grow(1, 5);
    assertTrue(cache.keepsWindows(1, 1, 4), "all of a text that was never out of sight");
  }

  @Test
  void endThatIsRemovedNeedsNoRotation() {
    program.denyShifts("keys of Q4_0 lose too much");
    grow(0, 20);
    UnsupportedOperationException e =
        assertThrows(UnsupportedOperationException.class, () -> cache.remove(0, 2, 5));
    assertEquals("keys of Q4_0 lose too much", e.getMessage());
    grow(0, 5);
    cache.remove(0, 22, 25);
    texts.get(0).subList(22, 25).clear();
    cache.remove(0, 20, 999);
    texts.get(0).subList(20, 22).clear();
    grow(0, 5);
    assertThrows(IllegalArgumentException.class, () -> cache.remove(0, 5, 5));
    assertThrows(IllegalArgumentException.class, () -> cache.remove(0, -1, 5));
  }

  @Test
  void sequenceIsRemovedWhenItsKeysAreHalfRotated() {
    grow(0, 20);
    grow(1, 20);
    program.failsAfterShifts = 1;
    assertThrows(IllegalStateException.class, () -> cache.remove(0, 2, 5));
    assertEquals(0, cells.length(0));
    texts.get(0).clear();
    cells.tables().forEach(CellInvariants::check);
    grow(0, 20);
    grow(1, 20);
  }

  @Test
  void changesFromAnotherThreadAreNoticed() throws Exception {
    grow(0, 20);
    FutureTask<Void> other = new FutureTask<>(() -> cache.remove(0, 5), null);
    Thread.ofPlatform().start(other).join();
    ExecutionException e = assertThrows(ExecutionException.class, other::get);
    assertInstanceOf(AssertionError.class, e.getCause());
    assertEquals(20, cells.length(0));
  }

  @Test
  void slotsWithoutRowsAreRefused() {
    RowProgram other = new RowProgram(TestGroups.graph(MaskKind.sliding(3)), List.of(64));
    assertThrows(
        IllegalArgumentException.class,
        () -> new KvCache(cells, List.of(other), host.resources(), 0));
  }
}
