package dev.serval.engine.run;

import dev.serval.api.backend.Step;
import dev.serval.engine.kv.KvCells;

/**
 * Turns a batch into a {@link Step}: tokens, their cells, what they see, and the rows that are
 * wanted of them. A sequence that finds no room now is left out of the batch. Confined to the
 * runner thread; allocates nothing.
 */
final class StepFiller {

  private final Step step;
  private final KvCells cells;
  private final PrefixCache prefixes;
  private final OutputRows outputs;

  /**
   * Fills one step again and again.
   *
   * @param step of the program
   * @param cells cells of the program
   * @param prefixes makes room where cells lack
   * @param outputs learns whose the rows of the result are
   */
  StepFiller(Step step, KvCells cells, PrefixCache prefixes, OutputRows outputs) {
    this.step = step;
    this.cells = cells;
    this.prefixes = prefixes;
    this.outputs = outputs;
  }

  /** Empties the step and fills it with the tokens that a batch chose. */
  void fill(Batch batch) {
    step.begin();
    long inStep = 0;
    for (int i = 0; i < batch.size(); i++) {
      Sequence s = batch.sequence(i);
      int n = batch.count(i);
      if (s.isParked() || !cells.canTell(step, s.number()) || !prefixes.makeRoom(s, n, inStep)) {
        batch.leaveOut(i);
        continue;
      }
      int first = s.computed();
      int firstRow = step.tokens();
      for (int position = first; position < first + n; position++) {
        int row = step.token(s.token(position), position, s.number());
        if (s.wants(position)) {
          outputs.want(row, s);
        }
      }
      outputs.sequence(step.runs() - 1, s);
      cells.place(step, firstRow, s.number(), first, n);
      inStep |= 1L << s.number();
    }
  }
}
