package dev.serval.backend.cpu;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.Value;
import dev.serval.backend.cpu.instruction.AttendInstruction;
import dev.serval.backend.cpu.instruction.CellTableInstruction;
import dev.serval.backend.cpu.instruction.Instruction;
import dev.serval.backend.cpu.instruction.KvStoreInstruction;
import dev.serval.backend.cpu.instruction.Operand;
import dev.serval.backend.cpu.instruction.RopeInstruction;
import dev.serval.backend.cpu.instruction.RopeTableInstruction;
import dev.serval.backend.cpu.instruction.VisibleRows;
import dev.serval.backend.cpu.layout.ActivationLayout;
import dev.serval.backend.cpu.layout.ActivationLayout.RopeKey;
import dev.serval.backend.cpu.layout.KvLayout;
import dev.serval.backend.cpu.layout.ProgramLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The part of compiling that concerns attention: what every step prepares before its first node,
 * and the instructions of {@link AttentionOp}.
 */
final class AttentionCompiler {

  private final StepLayout step;
  private final KvLayout kvLayout;
  private final ActivationLayout layout;
  private final ProgramLayout program;
  private final PlacedWeights weights;
  private final MemorySegment kv;
  private final MemorySegment activations;
  private final Operands operands;
  private final Map<Integer, VisibleRows> cachedRows = new HashMap<>();
  private final Map<Integer, VisibleRows> stepRows = new HashMap<>();

  AttentionCompiler(
      ProgramLayout program,
      PlacedWeights weights,
      MemorySegment kv,
      MemorySegment activations,
      Operands operands) {
    this.program = program;
    this.step = program.step();
    this.kvLayout = program.kv();
    this.layout = program.activations();
    this.weights = weights;
    this.kv = kv;
    this.activations = activations;
    this.operands = operands;
  }

  /** Adds what a step prepares before its first node. */
  void prepare(List<Instruction> out) {
    for (KvLayout.Tables t : kvLayout.tables()) {
      out.add(new CellTableInstruction(t, kv));
      long from = step.fromOffset(t.group()) / 4;
      long until = step.untilOffset(t.group()) / 4;
      VisibleRows.Intervals intervals = new VisibleRows.Intervals(Optional.empty(), from, until);
      VisibleRows rows = new VisibleRows(t.group(), intervals, step.limits().maxTokens(), t.size());
      cachedRows.put(t.group(), rows);
      out.add(rows);
    }
    layout.intervals().forEach((group, offset) -> out.add(translated(group, offset)));
    layout.ropeTables().forEach((key, offset) -> out.add(ropeTable(key, offset)));
  }

  private VisibleRows translated(int group, long offset) {
    CompileSpec.Limits limits = step.limits();
    for (int row = 0; row < limits.maxTokens(); row++) {
      activations.set(ValueLayout.JAVA_INT, layout.identityOffset() + 4L * row, row);
    }
    long until = offset + ActivationLayout.intervalBytes(limits);
    VisibleRows.Intervals intervals =
        new VisibleRows.Intervals(Optional.of(activations), offset / 4, until / 4);
    VisibleRows rows = new VisibleRows(group, intervals, limits.maxTokens(), limits.maxTokens());
    stepRows.put(group, rows);
    return rows;
  }

  private RopeTableInstruction ropeTable(RopeKey key, long offset) {
    RopeSpec spec = key.spec();
    return new RopeTableInstruction(
        positions(key.positions()),
        weights.inverseFrequencies(spec),
        spec.magnitude(),
        activations,
        offset / 4);
  }

  /** The step's positions or token ids: no op makes another I32 value of one dimension. */
  private Operand positions(int id) {
    for (Node n : program.graph().nodes()) {
      for (Value v : n.inputs()) {
        if (v.id() == id) {
          return operands.of(v);
        }
      }
    }
    throw new IllegalArgumentException("value " + id + " is nobody's input");
  }

  /** The instruction of a node. */
  Instruction instruction(Node n, AttentionOp op) {
    return switch (op) {
      case AttentionOp.Rope r -> {
        RopeKey key = new RopeKey(r.spec(), n.inputs().get(1).id());
        long table = layout.ropeTable(key) / 4;
        yield new RopeInstruction(
            r.spec(), activations, table, operands.in(n, 0), operands.out(n, 0));
      }
      case AttentionOp.KvStore s ->
          new KvStoreInstruction(
              kvLayout.slot(s.slot()), kvLayout.type(), kv, operands.in(n, 0), operands.in(n, 1));
      case AttentionOp.Attend a -> {
        KvLayout.SlotRows slot = kvLayout.slot(a.slot());
        yield attend(
            n,
            a.spec(),
            rows(cachedRows, slot.group()),
            AttendInstruction.Source.cache(kvLayout, slot, kv));
      }
      case AttentionOp.AttendStep a -> {
        AttendInstruction.Source source =
            AttendInstruction.Source.step(
                a.spec(),
                operands.in(n, 1),
                operands.in(n, 2),
                activations,
                layout.identityOffset(),
                layout.identitySize());
        int group = program.graph().group(a.spec().mask()).index();
        yield attend(n, a.spec(), rows(stepRows, group), source);
      }
    };
  }

  private static VisibleRows rows(Map<Integer, VisibleRows> all, int group) {
    VisibleRows rows = all.get(group);
    if (rows == null) {
      throw new IllegalStateException("group " + group + " was not prepared");
    }
    return rows;
  }

  private AttendInstruction attend(
      Node n, AttentionSpec spec, VisibleRows rows, AttendInstruction.Source source) {
    Optional<MemorySegment> sinks = spec.sinks().map(weights::vector);
    return new AttendInstruction(spec, sinks, rows, source, operands.in(n, 0), operands.out(n, 0));
  }
}
