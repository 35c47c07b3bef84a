package dev.serval.engine.run;

import dev.serval.api.backend.Step;
import dev.serval.api.error.ServalException;
import dev.serval.api.graph.OutputKind;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The output rows of a step and the sequences they belong to. Tokens are drawn from them side by
 * side where that takes a while; what was drawn is then taken row by row. Confined to the runner
 * thread, but for its own helpers.
 */
final class OutputRows implements AutoCloseable {

  private final Step step;

  /** Whether there is a row for each sequence of the step, not for each wanted token. */
  private final boolean pooled;

  /** Slices of the step, made once. */
  private final MemorySegment[] rows;

  private final Sequence[] owners;

  /** What went wrong when a row was looked at. */
  private final @Nullable ServalException[] failures;

  private final SamplingTeam team;

  /**
   * Starts without rows.
   *
   * @param name name of the model, for threads
   * @param step the step, filled again and again
   */
  OutputRows(String name, Step step) {
    this.step = step;
    pooled = step.layout().graph().outputKind() == OutputKind.POOLED;
    rows = new MemorySegment[step.layout().outputRows()];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = step.outputRow(i);
    }
    owners = new Sequence[rows.length];
    failures = new ServalException[rows.length];
    team = new SamplingTeam(name, Runtime.getRuntime().availableProcessors(), this::draw);
  }

  /** States whose tokens come {@code i}th in the step: a pooled row is theirs. */
  void sequence(int i, Sequence owner) {
    if (pooled) {
      owners[i] = owner;
    }
  }

  /** Asks for the output after a token of a sequence, in order of rows. */
  void want(int row, Sequence owner) {
    owners[step.want(row, owner.output())] = owner;
  }

  /** Has all rows looked at. */
  void draw() {
    int slow = 0;
    for (int i = 0; i < count(); i++) {
      slow += owners[i].drawsFromAll() ? 1 : 0;
    }
    if (slow > 1) {
      team.run(count());
    } else {
      for (int i = 0; i < count(); i++) {
        draw(i);
      }
    }
  }

  private void draw(int output) {
    failures[output] = null;
    try {
      owners[output].draw(position(output), rows[output]);
    } catch (ServalException e) {
      failures[output] = e;
    } catch (RuntimeException | Error e) {
      failures[output] = Sequence.unexpected(e);
    }
  }

  /**
   * Hands a row to its sequence.
   *
   * @param output number of the row
   * @throws ServalException if it could not be looked at
   */
  void take(int output) {
    ServalException failure = failures[output];
    if (failure != null) {
      throw failure;
    }
    owners[output].take(position(output), rows[output]);
  }

  /** Rows of the step. */
  int count() {
    return pooled ? step.runs() : step.wanted();
  }

  /** The token that a row comes after: the wanted one, or the last of a pooled sequence. */
  int row(int output) {
    return pooled ? step.runStart(output + 1) - 1 : step.wantedRow(output);
  }

  private int position(int output) {
    return step.position(row(output));
  }

  @Override
  public void close() {
    team.close();
  }
}
