package dev.serval.engine.inspect;

import dev.serval.api.backend.Step;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.NamedValue;
import dev.serval.api.graph.Value;
import dev.serval.api.graph.ValueType;
import dev.serval.api.runtime.InspectedTensor;
import dev.serval.api.runtime.InspectedTensor.Rows;
import dev.serval.api.runtime.TensorSink;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Shows somebody the chosen values of each step that was computed. Confined to one thread. */
public final class StepInspector {

  /**
   * A value and where steps have it.
   *
   * @param output index among the boundary outputs
   */
  private record Place(NamedValue value, int output) {}

  private final Step step;
  private final List<Place> places;
  private final TensorSink sink;
  private long shown;

  /**
   * Shows values of a step that is filled again and again.
   *
   * @param step of a program whose graph hands the values out
   * @param values in the order in which they are shown
   */
  public StepInspector(Step step, List<NamedValue> values, TensorSink sink) {
    this.step = step;
    this.sink = sink;
    List<Value> outputs = step.layout().graph().boundaryOutputs();
    places = values.stream().map(v -> new Place(v, outputs.indexOf(v.value()))).toList();
  }

  /**
   * Shows the values of the step.
   *
   * @throws RequestRejectedException ({@code INSPECTION_FAILED}) whatever the sink throws
   */
  public void show() {
    try {
      show(shown++);
    } catch (RuntimeException | Error e) {
      throw new RequestRejectedException(
          Reason.INSPECTION_FAILED, "whoever looks at the model's values failed: " + e);
    }
  }

  private void show(long number) {
    Map<Dim.Kind, List<Rows>> rows = new EnumMap<>(Dim.Kind.class);
    for (Place p : places) {
      ValueType type = p.value.value().type();
      Dim.Kind kind = type.first().kind();
      List<Integer> shape = new ArrayList<>();
      type.dims().forEach(d -> shape.add(d.size()));
      shape.set(0, count(type.first()));
      long bytes = (long) Float.BYTES * shape.getFirst() * type.width();
      MemorySegment data = step.boundaryOutput(p.output).asSlice(0, bytes).asReadOnly();
      sink.accept(
          new InspectedTensor(
              number,
              p.value.name(),
              p.value.layer(),
              p.value.op(),
              type.type(),
              shape,
              rows.computeIfAbsent(kind, this::rows),
              data));
    }
  }

  private int count(Dim first) {
    return switch (first.kind()) {
      case FIXED -> first.size();
      case TOKENS -> step.tokens();
      case WANTED -> step.wanted();
      case SEQUENCES -> step.runs();
    };
  }

  /** Whose the rows of values are that have a row for each of something. */
  private List<Rows> rows(Dim.Kind kind) {
    List<Rows> all = new ArrayList<>();
    switch (kind) {
      case FIXED -> {}
      case TOKENS -> {
        for (int row = 0; row < step.tokens(); row++) {
          add(row, all);
        }
      }
      case WANTED -> {
        for (int i = 0; i < step.wanted(); i++) {
          add(step.wantedRow(i), all);
        }
      }
      case SEQUENCES -> {
        for (int i = 1; i <= step.runs(); i++) {
          add(step.runStart(i) - 1, all);
        }
      }
    }
    return all;
  }

  /** Adds a row of the step, to the run before it if it goes on. */
  private void add(int row, List<Rows> all) {
    int sequence = step.sequence(row);
    int position = step.position(row);
    Rows last = all.isEmpty() ? new Rows(-1, 0, 0) : all.getLast();
    if (last.sequence() == sequence && last.position() + last.count() == position) {
      all.set(all.size() - 1, new Rows(sequence, last.position(), last.count() + 1));
    } else {
      all.add(new Rows(sequence, position, 1));
    }
  }
}
