package dev.serval.backend.cpu.instruction;

import dev.serval.backend.cpu.team.TeamTask;
import org.jspecify.annotations.Nullable;

/**
 * An instruction whose work consists of independent units, such as rows, heads or weight tiles. The
 * team gets contiguous ranges of units; how they are cut changes no result.
 */
abstract class SplitInstruction implements Instruction, TeamTask {

  /** Least work, in multiply-adds, that is worth another item: some microseconds. */
  private static final long WORK_PER_ITEM = 1 << 16;

  /** Part of the units that the first items are made of, in percent. */
  private static final int LARGE_PERCENT = 90;

  private @Nullable StepRun current;
  private int units;
  private int items;
  private int members;

  /** Units in this step. */
  abstract int units(StepRun run);

  /** Rough work per unit, in multiply-adds. */
  abstract long workPerUnit(StepRun run);

  /** Items per member at most: enough that a member that is held up loses little. */
  int itemsPerMember() {
    return 4;
  }

  /** Computes units {@code from} until {@code until}. Called by several members at once. */
  abstract void compute(StepRun run, int member, int from, int until);

  @Override
  public void run(StepRun run) {
    units = units(run);
    if (units == 0) {
      return;
    }
    long byWork = units * workPerUnit(run) / WORK_PER_ITEM;
    long most = Math.min(units, (long) run.members() * itemsPerMember());
    items = run.members() == 1 ? 1 : (int) Math.clamp(byWork, 1, most);
    members = run.members();
    current = run;
    run.team().run(this, items);
    current = null;
  }

  @Override
  public final void run(int member, int item) {
    StepRun run = current;
    if (run != null) {
      compute(run, member, bound(item), bound(item + 1));
    }
  }

  /**
   * Where an item begins. The first items, one per member, are large, since memory is read best in
   * long runs; the rest of the units comes in small ones, for members that are done early.
   */
  private int bound(int item) {
    if (items <= members) {
      return (int) ((long) units * item / items);
    }
    long large = (long) units * LARGE_PERCENT / 100;
    if (item <= members) {
      return (int) (large * item / members);
    }
    return (int) (large + (units - large) * (item - members) / (items - members));
  }
}
