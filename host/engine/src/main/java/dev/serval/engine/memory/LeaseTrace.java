package dev.serval.engine.memory;

import java.lang.foreign.Arena;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the pool keeps of a tracked lease: where it was opened, the lifetime of its window, and
 * whether anybody can still close it. The origin is text, as a stack trace would keep the classes
 * of a bundle alive.
 */
final class LeaseTrace extends PhantomReference<TrackedLease> {

  private static final int MAX_FRAMES = 16;

  private final PoolBlock block;
  private final Optional<Arena> life;
  private final String origin;

  LeaseTrace(
      TrackedLease lease,
      PoolBlock block,
      Optional<Arena> life,
      ReferenceQueue<TrackedLease> forgotten) {
    super(lease, forgotten);
    this.block = block;
    this.life = life;
    this.origin = callers();
  }

  private static String callers() {
    String ours = LeaseTrace.class.getPackageName() + ".";
    return StackWalker.getInstance()
        .walk(frames ->
            frames
                .filter(f -> !f.getClassName().startsWith(ours))
                .limit(MAX_FRAMES)
                .map(f -> System.lineSeparator() + "  at " + f)
                .collect(Collectors.joining()));
  }

  PoolBlock block() {
    return block;
  }

  String origin() {
    return origin;
  }

  /** Ends the lifetime of the leased memory. */
  void end() {
    clear();
    life.ifPresent(Arena::close);
  }
}
