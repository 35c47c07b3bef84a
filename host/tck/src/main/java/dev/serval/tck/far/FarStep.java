package dev.serval.tck.far;

import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Value;
import dev.serval.api.graph.ValueType;
import dev.serval.tck.memory.Lease;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A step of a {@link FarProgram}, in three memories:
 *
 * <pre>
 * host    ── depart ──►  shadow  ── upload ───►  there
 *         ◄── await ──           ◄─ download ──
 * </pre>
 *
 * <p>The host owns the first, but for the time between {@link #depart} and {@link #awaitArrival},
 * in which it holds poison; the device's thread owns the others.
 */
final class FarStep extends Step {

  /** A NaN as F32, a negative number as I32, on the host and where nothing was computed. */
  static final int POISON = 0xFFC0DEAD;

  /** What a host set apart from the memory. */
  private record Contents(int tokens, int moves, int runs, List<Output> outputs) {
    static Contents of(Step step) {
      List<Output> outputs = new ArrayList<>();
      for (int i = 0; i < step.wanted(); i++) {
        outputs.add(step.output(i));
      }
      return new Contents(step.tokens(), step.moves(), step.runs(), List.copyOf(outputs));
    }
  }

  private static final Contents EMPTY = new Contents(0, 0, 0, List.of());

  private final FarProgram program;
  private final Lease memoryLease;
  private final Lease shadowLease;
  private final Step there;
  private final long inputBytes;
  private volatile @Nullable CompletableFuture<Outcome> journey;
  private Contents contents = EMPTY;
  private boolean closed;

  /**
   * An empty step.
   *
   * @param memory what the host sees; given back on close
   * @param shadow what travels; given back on close
   * @param there the wrapped program's step; closed on close
   */
  FarStep(FarProgram program, StepLayout layout, Lease memory, Lease shadow, Step there) {
    super(layout, memory.segment(), () -> {});
    this.program = program;
    this.memoryLease = memory;
    this.shadowLease = shadow;
    this.there = there;
    this.inputBytes =
        layout.graph().boundaryOutputs().isEmpty()
            ? layout.outputOffset()
            : layout.boundaryOutputOffset(0);
  }

  /** The wrapped program's step. */
  Step there() {
    return there;
  }

  /** Bytes leased, but for the wrapped program's step. */
  long leasedBytes() {
    return memoryLease.leasedBytes() + shadowLease.leasedBytes();
  }

  /** Whether it was submitted and not yet awaited. */
  boolean isUnderWay() {
    return journey != null;
  }

  /**
   * Takes the host's memory away.
   *
   * @throws IllegalStateException if it was not awaited since it was last submitted
   */
  void depart() {
    if (isUnderWay()) {
      throw new IllegalStateException("the step is under way already");
    }
    contents = Contents.of(this);
    shadowLease.segment().copyFrom(memory());
    poison(memory());
    journey = new CompletableFuture<>();
  }

  /** Fills the wrapped program's step, on the device's thread. */
  void upload() {
    MemorySegment from = shadowLease.segment();
    StepLayout l = layout();
    there.begin();
    for (int row = 0; row < contents.tokens; row++) {
      there.token(
          number(from, l.tokensOffset(), row),
          number(from, l.positionsOffset(), row),
          number(from, l.sequencesOffset(), row));
    }
    for (int i = 0; i < contents.moves; i++) {
      long at = l.movesOffset() + 16L * i;
      there.move(
          number(from, at, 0), number(from, at, 1), number(from, at, 2), number(from, at, 3));
    }
    for (int i = 0; i < contents.outputs.size(); i++) {
      there.want(number(from, l.wantedOffset(), i), contents.outputs.get(i));
    }
    MemorySegment to = there.memory();
    to.asSlice(0, inputBytes).copyFrom(from.asSlice(0, inputBytes));
    poisonUnused(to);
    poison(to.asSlice(inputBytes, l.bytes() - inputBytes));
  }

  /** Poisons the rows of the numbers that the step does not use. */
  private void poisonUnused(MemorySegment to) {
    StepLayout l = layout();
    int max = l.limits().maxTokens();
    List<Long> columns =
        new ArrayList<>(List.of(l.tokensOffset(), l.positionsOffset(), l.sequencesOffset()));
    for (int g = 0; g < l.limits().cells().size(); g++) {
      columns.addAll(List.of(l.cellsOffset(g), l.fromOffset(g), l.untilOffset(g)));
    }
    for (long at : columns) {
      poison(to.asSlice(at + 4L * contents.tokens, 4L * (max - contents.tokens)));
    }
    int wanted = contents.outputs.size();
    poison(to.asSlice(l.wantedOffset() + 4L * wanted, 4L * (l.limits().maxWanted() - wanted)));
    poison(
        to.asSlice(l.movesOffset() + 16L * contents.moves, 16L * (l.maxMoves() - contents.moves)));
  }

  private static int number(MemorySegment from, long offset, int i) {
    return from.get(ValueLayout.JAVA_INT, offset + 4L * i);
  }

  private static void poison(MemorySegment memory) {
    for (long i = 0; i < memory.byteSize() / 4; i++) {
      memory.setAtIndex(ValueLayout.JAVA_INT, i, POISON);
    }
  }

  /**
   * Fetches the rows that were asked for, on the device's thread.
   *
   * @throws IllegalStateException if the wrapped program wrote any others
   */
  void download() {
    MemorySegment from = there.memory();
    StepLayout l = layout();
    List<Value> values = l.graph().boundaryOutputs();
    for (int i = 0; i < values.size(); i++) {
      ValueType type = values.get(i).type();
      take(from, l.boundaryOutputOffset(i), 4L * rows(type.first()) * type.width());
    }
    long results =
        switch (l.graph().outputKind()) {
          case LOGITS -> contents.outputs.size();
          case POOLED -> contents.runs;
          case NONE -> 0;
        };
    take(from, l.outputOffset(), 4 * results * l.graph().outputWidth());
    long stray = touched(from.asSlice(inputBytes, l.bytes() - inputBytes));
    if (stray >= 0) {
      throw new IllegalStateException("stray write at byte " + (inputBytes + stray) + " of a step");
    }
  }

  /** Moves bytes, leaving poison behind. */
  private void take(MemorySegment from, long offset, long bytes) {
    MemorySegment part = from.asSlice(offset, bytes);
    shadowLease.segment().asSlice(offset, bytes).copyFrom(part);
    poison(part);
  }

  private long rows(Dim first) {
    return switch (first.kind()) {
      case FIXED -> first.size();
      case TOKENS -> contents.tokens;
      case WANTED -> contents.outputs.size();
      case SEQUENCES -> contents.runs;
    };
  }

  /** The first byte that is not poison, or −1. */
  private static long touched(MemorySegment memory) {
    for (long i = 0; i < memory.byteSize() / 4; i++) {
      if (memory.getAtIndex(ValueLayout.JAVA_INT, i) != POISON) {
        return 4 * i;
      }
    }
    return -1;
  }

  /** Lets the host go on, on the device's thread. */
  void arrive(Outcome outcome) {
    CompletableFuture<Outcome> j = journey;
    if (j != null) {
      j.complete(outcome);
    }
  }

  /**
   * Waits for the end and gives the host its memory back, with the results if there are any.
   *
   * @return the outcome, or nothing if the deadline passed
   * @throws IllegalStateException if it was never submitted, or the host touched it meanwhile
   */
  @Nullable Outcome awaitArrival(long deadlineNanos) {
    CompletableFuture<Outcome> j = journey;
    if (j == null) {
      throw new IllegalStateException("the step was not submitted");
    }
    Outcome outcome = outcome(j, deadlineNanos);
    if (outcome != null) {
      journey = null;
      requireUntouched();
      long bytes = outcome instanceof Outcome.Done ? layout().bytes() : inputBytes;
      memory().asSlice(0, bytes).copyFrom(shadowLease.segment().asSlice(0, bytes));
    }
    return outcome;
  }

  private static @Nullable Outcome outcome(CompletableFuture<Outcome> j, long deadlineNanos) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return j.get(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
          return null;
        } catch (InterruptedException e) {
          // the step goes on either way; whoever interrupted finds the flag set again
          interrupted = true;
        } catch (ExecutionException e) {
          throw new IllegalStateException(e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void requireUntouched() {
    long stray = touched(memory());
    if (stray >= 0) {
      throw new IllegalStateException(
          "byte " + stray + " of a submitted step was written before the step was awaited");
    }
    if (tokens() != contents.tokens
        || wanted() != contents.outputs.size()
        || moves() != contents.moves
        || runs() != contents.runs) {
      throw new IllegalStateException("a submitted step was changed before it was awaited");
    }
  }

  @Override
  public void close() {
    super.close();
    if (!closed) {
      closed = true;
      program.closed(this, there);
      shadowLease.close();
      memoryLease.close();
    }
  }
}
