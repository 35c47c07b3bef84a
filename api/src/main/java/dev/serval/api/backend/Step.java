package dev.serval.api.backend;

import dev.serval.api.graph.Value;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * One batch of tokens on its way through a program, and what came of it. Lies off-heap in the form
 * of {@link StepLayout}, so that a device can read it without copying; made once by {@link
 * Program#newStep} and reused.
 *
 * <p><b>Life</b>: {@link #begin}, add tokens, {@link Program#submit}, {@link Program#await}, read
 * the outputs, begin again. Between submit and await nobody but the program may touch it.
 *
 * <p><b>Tokens</b> of one sequence stand together with ascending positions. For each group of
 * caches a token states the cell that receives its key and value rows, and the interval of
 * positions it sees. <b>Cells</b>: a program knows for each group and sequence which cell holds
 * which position; tokens of a step enter by themselves, everything else (forked, moved or restored
 * rows) by {@link #move}. Moves take effect before the first token. A visible position that no
 * token or move ever placed is the host's mistake: its content is undefined, and a backend may end
 * the step as lost.
 *
 * <p>Confined to one thread at a time. Allocates nothing after construction.
 */
public class Step implements AutoCloseable {

  /** Token id of a row whose embedding is supplied. */
  public static final int SUPPLIED = -1;

  private final StepLayout layout;
  private final MemorySegment memory;
  private final Runnable onClose;
  private final int[] runStart;
  private final Output[] outputs;
  private int tokens;
  private int wanted;
  private int moves;
  private int runs;
  private long seen;
  private boolean closed;

  /**
   * Creates an empty step; called by programs.
   *
   * @param layout where things lie
   * @param memory zeroed, {@code layout.bytes()} long, aligned to {@link
   *     StepLayout#ALIGNMENT_BYTES}
   * @param onClose gives the memory back
   */
  public Step(StepLayout layout, MemorySegment memory, Runnable onClose) {
    if (memory.byteSize() < layout.bytes()) {
      throw new IllegalArgumentException(
          "memory of " + memory.byteSize() + " bytes, layout needs " + layout.bytes());
    }
    this.layout = layout;
    this.memory = memory;
    this.onClose = onClose;
    this.runStart = new int[layout.limits().maxSequences() + 1];
    this.outputs = new Output[layout.limits().maxWanted()];
    Arrays.fill(outputs, Output.full());
  }

  /** Where things lie. */
  public final StepLayout layout() {
    return layout;
  }

  /** The whole memory of the step. */
  public final MemorySegment memory() {
    return memory;
  }

  /** Empties the step. */
  public final void begin() {
    tokens = 0;
    wanted = 0;
    moves = 0;
    runs = 0;
    seen = 0;
    runStart[0] = 0;
  }

  /**
   * Adds a token.
   *
   * @param token vocabulary id, or {@link #SUPPLIED}
   * @param position position in its sequence, from 0
   * @param sequence number of the sequence
   * @return the token's row
   * @throws IllegalStateException if the step is full
   * @throws IllegalArgumentException if a number is out of range, the sequence came before another
   *     one in this step, or positions do not ascend
   */
  public final int token(int token, int position, int sequence) {
    if (tokens == layout.limits().maxTokens()) {
      throw new IllegalStateException("the step holds " + tokens + " tokens already");
    }
    if (sequence < 0 || sequence >= layout.limits().maxSequences()) {
      throw new IllegalArgumentException(
          "sequence " + sequence + " of " + layout.limits().maxSequences());
    }
    if (token < SUPPLIED || position < 0 || (token == SUPPLIED && layout.embeddingWidth() == 0)) {
      throw new IllegalArgumentException("token " + token + " at position " + position);
    }
    int row = tokens;
    if (row > 0 && sequence(row - 1) == sequence) {
      if (position(row - 1) >= position) {
        throw new IllegalArgumentException(
            "position " + position + " after " + position(row - 1) + " of sequence " + sequence);
      }
    } else {
      if ((seen & 1L << sequence) != 0) {
        throw new IllegalArgumentException(
            "tokens of sequence " + sequence + " do not stand together");
      }
      seen |= 1L << sequence;
      runs++;
    }
    tokens++;
    runStart[runs] = tokens;
    set(layout.tokensOffset(), row, token);
    set(layout.positionsOffset(), row, position);
    set(layout.sequencesOffset(), row, sequence);
    return row;
  }

  /**
   * States where a token's key and value go and what it sees, in one group.
   *
   * @param group group index
   * @param row the token's row
   * @param cell cell that receives the rows; ignored for a group without slots
   * @param from first visible position
   * @param until one past the last visible position
   */
  public final void visible(int group, int row, int cell, int from, int until) {
    int cells = layout.limits().cells().get(group);
    if (row < 0 || row >= tokens || cell < 0 || (cells > 0 && cell >= cells)) {
      throw new IllegalArgumentException(
          "group " + group + ", row " + row + " of " + tokens + ", cell " + cell + " of " + cells);
    }
    if (from < 0 || until < from) {
      throw new IllegalArgumentException("visible positions [" + from + ", " + until + ")");
    }
    set(layout.cellsOffset(group), row, cell);
    set(layout.fromOffset(group), row, from);
    set(layout.untilOffset(group), row, until);
  }

  /**
   * Tells the program that a position of a sequence is held by a cell it already has.
   *
   * @param group group index
   * @param sequence number of the sequence
   * @param position position in the sequence
   * @param cell the cell
   * @throws IllegalStateException if no more moves fit
   */
  public final void move(int group, int sequence, int position, int cell) {
    if (moves == layout.maxMoves()) {
      throw new IllegalStateException("the step holds " + moves + " moves already");
    }
    int cells = layout.limits().cells().get(group);
    if (sequence < 0
        || sequence >= layout.limits().maxSequences()
        || position < 0
        || cell < 0
        || cell >= cells) {
      throw new IllegalArgumentException(
          "group "
              + group
              + ", sequence "
              + sequence
              + ", position "
              + position
              + ", cell "
              + cell);
    }
    long at = layout.movesOffset() + 16L * moves;
    set(at, 0, group);
    set(at, 1, sequence);
    set(at, 2, position);
    set(at, 3, cell);
    moves++;
  }

  /**
   * Asks for the output of a token; rows must be asked for in ascending order.
   *
   * @param row the token's row
   * @param output what is asked
   * @return the number of the output
   */
  public final int want(int row, Output output) {
    if (wanted == outputs.length) {
      throw new IllegalStateException("the step holds " + wanted + " wanted rows already");
    }
    if (row < 0 || row >= tokens || (wanted > 0 && wantedRow(wanted - 1) >= row)) {
      throw new IllegalArgumentException("wanted row " + row + " of " + tokens);
    }
    if (output instanceof Output.Candidates c
        && 2L * c.k() + c.ids().size() + 1 > layout.outputWidth()) {
      throw new IllegalArgumentException("candidates do not fit a row: " + c);
    }
    set(layout.wantedOffset(), wanted, row);
    outputs[wanted] = output;
    return wanted++;
  }

  /** Tokens in the step. */
  public final int tokens() {
    return tokens;
  }

  /** Wanted rows in the step. */
  public final int wanted() {
    return wanted;
  }

  /** Cell moves in the step. */
  public final int moves() {
    return moves;
  }

  /** Distinct sequences in the step, each a run of neighbouring rows. */
  public final int runs() {
    return runs;
  }

  /** First row of run {@code i}; {@code i = runs()} gives the number of tokens. */
  public final int runStart(int i) {
    return runStart[i];
  }

  /** Token id of a row. */
  public final int tokenId(int row) {
    return get(layout.tokensOffset(), row);
  }

  /** Position of a row. */
  public final int position(int row) {
    return get(layout.positionsOffset(), row);
  }

  /** Sequence of a row. */
  public final int sequence(int row) {
    return get(layout.sequencesOffset(), row);
  }

  /** Cell of a row in a group. */
  public final int cell(int group, int row) {
    return get(layout.cellsOffset(group), row);
  }

  /** First position that a row sees in a group. */
  public final int from(int group, int row) {
    return get(layout.fromOffset(group), row);
  }

  /** One past the last position that a row sees in a group. */
  public final int until(int group, int row) {
    return get(layout.untilOffset(group), row);
  }

  /** Row of wanted output {@code i}. */
  public final int wantedRow(int i) {
    return get(layout.wantedOffset(), i);
  }

  /** What is asked of wanted output {@code i}. */
  public final Output output(int i) {
    return outputs[i];
  }

  /** Component 0 to 3 (group, sequence, position, cell) of move {@code i}. */
  public final int move(int i, int component) {
    return get(layout.movesOffset() + 16L * i, component);
  }

  /** Embedding that the host supplies for a row, [embeddingWidth] F32. */
  public final MemorySegment supplied(int row) {
    long width = 4L * layout.embeddingWidth();
    return memory.asSlice(layout.suppliedOffset() + row * width, width);
  }

  /**
   * What the stage before hands over, [rows, width] in the value's type: input {@code i} of the
   * graph.
   */
  public final MemorySegment boundaryInput(int i) {
    Value v = layout.graph().boundaryInputs().get(i);
    return memory.asSlice(layout.boundaryInputOffset(i), 4 * layout.boundaryElements(v));
  }

  /**
   * What the stage after gets, [rows, width] in the value's type: output {@code i} of the graph.
   */
  public final MemorySegment boundaryOutput(int i) {
    Value v = layout.graph().boundaryOutputs().get(i);
    return memory.asSlice(layout.boundaryOutputOffset(i), 4 * layout.boundaryElements(v));
  }

  /**
   * Row {@code i} of the result, [outputWidth] F32. For {@link Output.Candidates} it starts with k
   * ids (I32), k logits, the logits of the asked ids, and the log-sum-exp.
   */
  public final MemorySegment outputRow(int i) {
    long width = 4L * layout.outputWidth();
    return memory.asSlice(layout.outputOffset() + i * width, width);
  }

  private void set(long offset, int i, int value) {
    memory.set(ValueLayout.JAVA_INT, offset + 4L * i, value);
  }

  private int get(long offset, int i) {
    return memory.get(ValueLayout.JAVA_INT, offset + 4L * i);
  }

  /** Gives the memory back; closing again does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      onClose.run();
    }
  }
}
