package dev.serval.backend.cpu.instruction;

import dev.serval.api.backend.Step;
import dev.serval.api.graph.Dim;
import dev.serval.backend.cpu.kernel.AttentionTask;
import dev.serval.backend.cpu.kernel.KernelSet;
import dev.serval.backend.cpu.kernel.TileScratch;
import dev.serval.backend.cpu.team.ComputeTeam;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The step under way: its sizes, and what the team needs to compute it. One per program, reused.
 *
 * <p>Set up by the device queue's thread; read by all members while they compute.
 */
public final class StepRun {

  private final MemorySegment[] scratch;
  private final TileScratch[] tiles;
  private final AttentionTask[] attentionTasks;
  private @Nullable KernelSet kernels;
  private @Nullable ComputeTeam team;
  private @Nullable Step step;
  private MemorySegment stepMemory = MemorySegment.NULL;
  private int tokens;
  private int wanted;
  private int runs;

  /**
   * A run of no step yet.
   *
   * @param scratch scratch memory of each member of the team
   */
  public StepRun(List<MemorySegment> scratch) {
    this.scratch = scratch.toArray(new MemorySegment[0]);
    this.tiles = new TileScratch[scratch.size()];
    this.attentionTasks = new AttentionTask[scratch.size()];
    for (int i = 0; i < attentionTasks.length; i++) {
      tiles[i] = new TileScratch();
      attentionTasks[i] = new AttentionTask();
      attentionTasks[i].scratch = this.scratch[i];
    }
  }

  /** Takes up a step. */
  public void begin(Step newStep, ComputeTeam newTeam, KernelSet newKernels) {
    kernels = newKernels;
    step = newStep;
    team = newTeam;
    stepMemory = newStep.memory();
    tokens = newStep.tokens();
    wanted = newStep.wanted();
    runs = newStep.runs();
  }

  /** Computes the instructions that follow with other kernels, which give the same bits. */
  public void continueWith(KernelSet newKernels) {
    kernels = newKernels;
  }

  /** Forgets the step. */
  public void end() {
    step = null;
    team = null;
    stepMemory = MemorySegment.NULL;
  }

  /** The team that computes the step. */
  ComputeTeam team() {
    ComputeTeam t = team;
    if (t == null) {
      throw new IllegalStateException("no step is under way");
    }
    return t;
  }

  /** Members of the team. */
  int members() {
    return scratch.length;
  }

  /** The step. */
  Step step() {
    Step s = step;
    if (s == null) {
      throw new IllegalStateException("no step is under way");
    }
    return s;
  }

  /** The step's memory. */
  MemorySegment stepMemory() {
    return stepMemory;
  }

  /** The kernels. */
  KernelSet kernels() {
    KernelSet k = kernels;
    if (k == null) {
      throw new IllegalStateException("no step is under way");
    }
    return k;
  }

  /** Scratch memory of a member, large enough for every kernel of the program. */
  MemorySegment scratch(int member) {
    return scratch[member];
  }

  /** Scratch memory of a member for products of many rows. */
  TileScratch tiles(int member) {
    return tiles[member];
  }

  /** Parameter block of a member, its scratch memory set. */
  AttentionTask attentionTask(int member) {
    return attentionTasks[member];
  }

  /** How many rows the step has of a first dimension. */
  int rows(Dim first) {
    return switch (first.kind()) {
      case FIXED -> first.size();
      case TOKENS -> tokens;
      case WANTED -> wanted;
      case SEQUENCES -> runs;
    };
  }
}
