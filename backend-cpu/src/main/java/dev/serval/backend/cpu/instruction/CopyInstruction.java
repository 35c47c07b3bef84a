package dev.serval.backend.cpu.instruction;

import java.lang.foreign.MemorySegment;

/**
 * Copies equally long blocks from one value to another: slices, concatenations, whole values. A
 * unit is one block.
 */
public final class CopyInstruction extends SplitInstruction {

  private final Operand x;
  private final long xFirst;
  private final long xStride;
  private final Operand y;
  private final long yFirst;
  private final long yStride;
  private final long block;
  private final int blocksPerRow;

  /**
   * Copies blocks; the number of blocks follows the rows of x in the step.
   *
   * @param xFirst elements of x before block 0
   * @param xStride elements from block to block in x
   * @param yFirst elements of y before block 0
   * @param yStride elements from block to block in y
   * @param block elements per block
   * @param blocksPerRow blocks per row of x's first dimension; 0 for one block in all
   */
  public CopyInstruction(
      Operand x,
      long xFirst,
      long xStride,
      Operand y,
      long yFirst,
      long yStride,
      long block,
      int blocksPerRow) {
    this.x = x;
    this.xFirst = xFirst;
    this.xStride = xStride;
    this.y = y;
    this.yFirst = yFirst;
    this.yStride = yStride;
    this.block = block;
    this.blocksPerRow = blocksPerRow;
  }

  /** Copies a whole value. */
  public static CopyInstruction whole(Operand x, Operand y) {
    int width = x.type().width();
    return new CopyInstruction(x, 0, width, y, 0, width, width, 1);
  }

  /**
   * Copies a part of one dimension of x to a part of the same dimension of y.
   *
   * @param axis the dimension
   * @param xFrom first index in x
   * @param yFrom first index in y
   * @param size how many indices
   */
  public static CopyInstruction part(
      Operand x, int xFrom, Operand y, int yFrom, int axis, int size) {
    long inner = 1;
    for (int i = axis + 1; i < x.type().rank(); i++) {
      inner *= x.type().dims().get(i).size();
    }
    long xStride = x.type().dims().get(axis).size() * inner;
    long yStride = y.type().dims().get(axis).size() * inner;
    int blocksPerRow = axis == 0 ? 0 : Math.toIntExact(x.type().width() / xStride);
    return new CopyInstruction(
        x, xFrom * inner, xStride, y, yFrom * inner, yStride, size * inner, blocksPerRow);
  }

  @Override
  int units(StepRun run) {
    return blocksPerRow == 0 ? 1 : Math.multiplyExact(x.rows(run), blocksPerRow);
  }

  @Override
  long workPerUnit(StepRun run) {
    return block;
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    MemorySegment source = x.memory(run);
    MemorySegment target = y.memory(run);
    for (long i = from; i < until; i++) {
      long at = x.offset() + xFirst + i * xStride;
      long to = y.offset() + yFirst + i * yStride;
      MemorySegment.copy(source, 4 * at, target, 4 * to, 4 * block);
    }
  }
}
