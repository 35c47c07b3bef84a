package dev.serval.backend.cpu.instruction;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.tensor.DataType;
import dev.serval.backend.cpu.kernel.AttentionTask;
import dev.serval.backend.cpu.layout.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Attention, over a cache or over the step's own keys and values. A unit is a chunk of rows with
 * one key/value head and some of the query heads that share it: all of them, unless there are fewer
 * units than threads.
 */
public final class AttendInstruction extends SplitInstruction {

  /**
   * Keys and values of one kind.
   *
   * @param memory the memory, absent for that of the step under way
   * @param offset bytes before head 0 of cell 0
   * @param headBytes bytes from head to head
   * @param rowBytes bytes from cell to cell
   */
  public record Cells(Optional<MemorySegment> memory, long offset, long headBytes, long rowBytes) {

    private MemorySegment memory(StepRun run) {
      return memory.isPresent() ? memory.get() : run.stepMemory();
    }
  }

  /**
   * What is attended to.
   *
   * @param type element type
   * @param keys key rows
   * @param values value rows
   * @param tableMemory memory of the cell tables
   * @param tableOffset bytes before the first table
   * @param tableSize entries of a table
   * @param cached whether each sequence has a table of its own; otherwise there is one table for
   *     all, and cells are counted from the first row of the sequence in the step
   */
  public record Source(
      DataType type,
      Cells keys,
      Cells values,
      MemorySegment tableMemory,
      long tableOffset,
      int tableSize,
      boolean cached) {

    /** The cache of a slot. */
    public static Source cache(KvLayout kv, KvLayout.SlotRows slot, MemorySegment storage) {
      KvLayout.Tables tables =
          kv.tables().stream().filter(t -> t.group() == slot.group()).findFirst().orElseThrow();
      return new Source(
          kv.type(),
          new Cells(
              Optional.of(storage),
              slot.keysOffset(),
              slot.cells() * slot.keyBytes(),
              slot.keyBytes()),
          new Cells(
              Optional.of(storage),
              slot.valuesOffset(),
              slot.cells() * slot.valueBytes(),
              slot.valueBytes()),
          storage,
          tables.offset(),
          tables.size(),
          true);
    }

    /**
     * Keys and values of the step.
     *
     * @param identity table that maps each row to itself
     * @param identityOffset bytes before it
     * @param identitySize its entries
     */
    public static Source step(
        AttentionSpec spec,
        Operand k,
        Operand v,
        MemorySegment identity,
        long identityOffset,
        int identitySize) {
      return new Source(
          DataType.F32,
          new Cells(k.memory(), 4 * k.offset(), 4L * spec.keyDim(), 4L * k.type().width()),
          new Cells(v.memory(), 4 * v.offset(), 4L * spec.valueDim(), 4L * v.type().width()),
          identity,
          identityOffset,
          identitySize,
          false);
    }
  }

  /** Chunks that see more take longer, so the items are smaller than elsewhere. */
  private static final int ITEMS_PER_MEMBER = 16;

  private final AttentionSpec spec;
  private final Optional<MemorySegment> sinks;
  private final VisibleRows rows;
  private final Source source;
  private final Operand q;
  private final Operand y;
  private int headParts = 1;

  /**
   * y = attention of q.
   *
   * @param sinks [nHeads] F32
   */
  public AttendInstruction(
      AttentionSpec spec,
      Optional<MemorySegment> sinks,
      VisibleRows rows,
      Source source,
      Operand q,
      Operand y) {
    this.spec = spec;
    this.sinks = sinks;
    this.rows = rows;
    this.source = source;
    this.q = q;
    this.y = y;
  }

  private int headsPerGroup() {
    return spec.nHeads() / spec.nKvHeads();
  }

  @Override
  public void run(StepRun run) {
    int whole = rows.chunks() * spec.nKvHeads();
    int heads = headsPerGroup();
    headParts = 1;
    while (headParts < heads && (whole * headParts < run.members() || heads % headParts != 0)) {
      headParts++;
    }
    super.run(run);
  }

  @Override
  int units(StepRun run) {
    return Math.multiplyExact(rows.chunks() * spec.nKvHeads(), headParts);
  }

  @Override
  long workPerUnit(StepRun run) {
    long all = rows.visible() * spec.nHeads() * (spec.keyDim() + spec.valueDim());
    return all / Math.max(1, units(run));
  }

  @Override
  int itemsPerMember() {
    return ITEMS_PER_MEMBER;
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    AttentionTask task = run.attentionTask(member);
    prepare(run, task);
    for (int unit = from; unit < until; unit++) {
      int part = unit % headParts;
      int kvHead = unit / headParts % spec.nKvHeads();
      int chunk = unit / headParts / spec.nKvHeads();
      aim(run, task, chunk, kvHead, kvHead * headsPerGroup() + part * task.headsPerGroup);
      run.kernels().attention().attend(task);
    }
  }

  /** Sets what is the same for all units. */
  private void prepare(StepRun run, AttentionTask task) {
    task.headsPerGroup = headsPerGroup() / headParts;
    task.keyDim = spec.keyDim();
    task.valueDim = spec.valueDim();
    task.scale = spec.scale();
    task.softCap = spec.softCap();
    task.sinks = sinks.isPresent() ? sinks.get() : MemorySegment.NULL;
    task.type = source.type;
    task.queries = q.memory(run);
    task.queryStride = q.type().width();
    task.results = y.memory(run);
    task.resultStride = y.type().width();
    task.from = rows.intervals().memory(run);
    task.until = task.from;
    task.keys = source.keys.memory(run);
    task.keyRowBytes = source.keys.rowBytes;
    task.values = source.values.memory(run);
    task.valueRowBytes = source.values.rowBytes;
    task.cells = source.tableMemory;
    task.cellMask = source.tableSize - 1;
  }

  /** Sets what differs from unit to unit. */
  private void aim(StepRun run, AttentionTask task, int chunk, int kvHead, int head) {
    Step step = run.step();
    int row = rows.chunkStart(chunk);
    task.rows = rows.chunkStart(chunk + 1) - row;
    task.fromOffset = rows.intervals().from() + row;
    task.untilOffset = rows.intervals().until() + row;
    task.queryOffset = q.offset() + (long) row * task.queryStride + (long) head * spec.keyDim();
    task.resultOffset = y.offset() + (long) row * task.resultStride + (long) head * spec.valueDim();
    task.sinksOffset = head;
    task.keyByte = source.keys.offset + kvHead * source.keys.headBytes;
    task.valueByte = source.values.offset + kvHead * source.values.headBytes;
    task.cellsOffset = source.tableOffset / 4;
    if (source.cached) {
      task.cellsOffset += (long) step.sequence(row) * source.tableSize;
    } else {
      int first = VisibleRows.sequenceStart(step, row);
      task.keyByte += first * source.keys.rowBytes;
      task.valueByte += first * source.values.rowBytes;
    }
  }
}
