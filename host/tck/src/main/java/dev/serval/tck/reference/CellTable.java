package dev.serval.tck.reference;

import dev.serval.api.backend.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which cell holds which position, for each group and sequence of a program. */
final class CellTable {

  private final List<List<Map<Integer, Integer>>> cells = new ArrayList<>();

  CellTable(int groups, int maxSequences) {
    for (int g = 0; g < groups; g++) {
      List<Map<Integer, Integer>> sequences = new ArrayList<>();
      for (int s = 0; s < maxSequences; s++) {
        sequences.add(new HashMap<>());
      }
      cells.add(sequences);
    }
  }

  /** Takes over the moves of a step, then its tokens. */
  void enter(Step step) {
    for (int i = 0; i < step.moves(); i++) {
      cells.get(step.move(i, 0)).get(step.move(i, 1)).put(step.move(i, 2), step.move(i, 3));
    }
    for (int g = 0; g < cells.size(); g++) {
      for (int row = 0; row < step.tokens(); row++) {
        cells.get(g).get(step.sequence(row)).put(step.position(row), step.cell(g, row));
      }
    }
  }

  /**
   * The cell of a position.
   *
   * @throws IllegalStateException if the program was never told
   */
  int cell(int group, int sequence, int position) {
    Integer cell = cells.get(group).get(sequence).get(position);
    if (cell == null) {
      throw new IllegalStateException(
          "group "
              + group
              + ", sequence "
              + sequence
              + ": position "
              + position
              + " is visible, but no step stored or moved it");
    }
    return cell;
  }
}
