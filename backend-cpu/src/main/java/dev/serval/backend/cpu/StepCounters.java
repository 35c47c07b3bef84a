package dev.serval.backend.cpu;

import dev.serval.api.metrics.Metrics;
import dev.serval.api.metrics.Tally;
import dev.serval.api.metrics.TallyGroup;
import dev.serval.backend.cpu.instruction.AttendInstruction;
import dev.serval.backend.cpu.instruction.BatchMatMulInstruction;
import dev.serval.backend.cpu.instruction.ExpertMatMulInstruction;
import dev.serval.backend.cpu.instruction.Instruction;
import dev.serval.backend.cpu.instruction.KvStoreInstruction;
import dev.serval.backend.cpu.instruction.MatMulInstruction;
import dev.serval.backend.cpu.instruction.VisibleRows;
import dev.serval.backend.cpu.team.ComputeTeam;
import java.util.List;

/**
 * Counts steps, tokens, what each member of the team did, and the time of three kinds of work:
 * products with weights, attention with its cache, and the rest. The clock is read where the kind
 * changes, a few times per layer. Confined to the device queue's thread.
 */
final class StepCounters {

  private static final int MATMUL = 0;
  private static final int ATTENTION = 1;
  private static final int OTHER = 2;
  private static final List<String> KINDS = List.of("matmul", "attention", "other");

  private final Metrics metrics;
  private final TallyGroup group;
  private final Tally steps;
  private final Tally tokens;
  private final Tally tiled;
  private final Tally matvec;
  private final Tally[] items;
  private final Tally[] nanos;
  private final long[] before;
  private final long[] spent = new long[KINDS.size()];
  private final MatMulInstruction.Counters products;
  private final byte[] kinds;
  private boolean timing;
  private int kind;
  private long since;

  /**
   * Counters of a program.
   *
   * @param members members of the team
   * @param instructions what a step runs, in order
   * @param products where its products are counted
   */
  StepCounters(
      Metrics metrics,
      int members,
      Instruction[] instructions,
      MatMulInstruction.Counters products) {
    this.metrics = metrics;
    this.products = products;
    group = metrics.group();
    steps = group.tally("cpu.steps");
    tokens = group.tally("cpu.tokens");
    tiled = group.tally("cpu.matmul.tiled");
    matvec = group.tally("cpu.matmul.matvec");
    items = new Tally[members];
    before = new long[members];
    for (int i = 0; i < members; i++) {
      items[i] = group.tally("cpu.team.member." + i);
    }
    nanos = new Tally[KINDS.size()];
    for (int i = 0; i < nanos.length; i++) {
      nanos[i] = group.tally("cpu." + KINDS.get(i) + ".nanos");
    }
    kinds = new byte[instructions.length];
    for (int i = 0; i < kinds.length; i++) {
      kinds[i] = kind(instructions[i]);
    }
  }

  private static byte kind(Instruction instruction) {
    return switch (instruction) {
      case MatMulInstruction _, ExpertMatMulInstruction _, BatchMatMulInstruction _ -> MATMUL;
      case AttendInstruction _, KvStoreInstruction _, VisibleRows _ -> ATTENTION;
      default -> OTHER;
    };
  }

  /** Begins a step: remembers where the team's counts and the clock stand. */
  void begin(ComputeTeam team) {
    for (int i = 0; i < items.length; i++) {
      before[i] = team.itemsDone(i);
    }
    timing = metrics.isTiming();
    if (timing) {
      kind = OTHER;
      since = System.nanoTime();
    }
  }

  /** Notes that an instruction is about to run. */
  void next(int instruction) {
    if (timing && kinds[instruction] != kind) {
      readClock();
      kind = kinds[instruction];
    }
  }

  private void readClock() {
    long now = System.nanoTime();
    spent[kind] += now - since;
    since = now;
  }

  /**
   * Ends a step.
   *
   * @param stepTokens tokens computed; 0 if it did not come to its end, and does not count
   */
  void end(ComputeTeam team, int stepTokens) {
    if (timing) {
      readClock();
    }
    group.begin();
    if (stepTokens > 0) {
      steps.increment();
      tokens.add(stepTokens);
    }
    tiled.add(products.takeTiled());
    matvec.add(products.takeMatvec());
    for (int i = 0; i < items.length; i++) {
      items[i].add(team.itemsDone(i) - before[i]);
    }
    for (int i = 0; i < nanos.length; i++) {
      nanos[i].add(spent[i]);
      spent[i] = 0;
    }
    group.end();
  }
}
