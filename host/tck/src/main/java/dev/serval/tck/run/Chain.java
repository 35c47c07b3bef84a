package dev.serval.tck.run;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Limits;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.Weights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * The stages of a graph, often just one, each placed and compiled, with one step. Hands values from
 * stage to stage as an engine does. Confined to one thread.
 */
public final class Chain implements AutoCloseable {

  /** Deadline of a step that is expected to end. */
  public static final long PATIENCE_NANOS = 60_000_000_000L;

  /**
   * Where a stage runs.
   *
   * @param backend compiles it
   * @param device one of the backend's devices
   */
  public record Place(Backend backend, Device device) {}

  private final List<Program> programs = new ArrayList<>();
  private final List<Step> steps = new ArrayList<>();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  private Chain() {}

  /** Places and compiles a whole graph. */
  public static Chain of(
      Backend backend, Device device, Weights weights, Graph graph, CompileSpec spec) {
    return of(backend, device, weights, List.of(graph), spec);
  }

  /**
   * Places and compiles stages. If one fails, what was made before is closed again.
   *
   * @param stages in order, as {@link Graph#cut} gives them
   * @param spec limits of the whole graph; a stage gets no cells for groups it has no slots of
   */
  public static Chain of(
      Backend backend, Device device, Weights weights, List<Graph> stages, CompileSpec spec) {
    Place place = new Place(backend, device);
    return of(Collections.nCopies(stages.size(), place), weights, stages, spec);
  }

  /**
   * Places and compiles stages, each in its place. If one fails, what was made before is closed
   * again.
   *
   * @param places one for each stage
   * @param stages in order, as {@link Graph#cut} gives them
   * @param spec limits of the whole graph; a stage gets no cells for groups it has no slots of
   */
  public static Chain of(
      List<Place> places, Weights weights, List<Graph> stages, CompileSpec spec) {
    if (places.size() != stages.size()) {
      throw new IllegalArgumentException(places.size() + " places, " + stages.size() + " stages");
    }
    Chain chain = new Chain();
    try {
      for (int i = 0; i < stages.size(); i++) {
        Graph stage = stages.get(i);
        chain.add(places.get(i), weights, stage, spec.withLimits(limitsOf(stage, spec)));
      }
    } catch (RuntimeException | Error e) {
      chain.close();
      throw e;
    }
    return chain;
  }

  private static Limits limitsOf(Graph stage, CompileSpec spec) {
    Limits whole = spec.limits();
    List<Integer> cells =
        stage.groups().stream()
            .map(g -> g.slots().isEmpty() ? 0 : whole.cells().get(g.index()))
            .toList();
    return new Limits(
        whole.maxTokens(),
        whole.maxWanted(),
        whole.maxSequences(),
        cells,
        whole.suppliedEmbeddings() && stage.embedding().isPresent());
  }

  private void add(Place place, Weights weights, Graph stage, CompileSpec spec) {
    Backend backend = place.backend();
    Placement placement = backend.place(weights, stage, spec, place.device());
    open.push(placement);
    Program program = backend.compile(stage, placement, spec);
    open.push(program);
    programs.add(program);
    Step step = program.newStep();
    open.push(step);
    steps.add(step);
  }

  /** The programs, in order. */
  public List<Program> programs() {
    return programs;
  }

  /** The program of a graph that was not cut. */
  public Program program() {
    if (programs.size() != 1) {
      throw new IllegalStateException(programs.size() + " stages");
    }
    return programs.getFirst();
  }

  /** The steps, one per program. */
  public List<Step> steps() {
    return steps;
  }

  /** The step that holds the results. */
  public Step last() {
    return steps.getLast();
  }

  /** Runs a step through all stages, expecting it to end in good time. */
  public void run(Consumer<Step> fill) {
    Outcome outcome = run(fill, () -> {}, PATIENCE_NANOS);
    if (!(outcome instanceof Outcome.Done)) {
      throw new AssertionError("expected a finished step, got " + outcome);
    }
  }

  /**
   * Runs a step through all stages.
   *
   * @param fill writes one step, called once per stage after {@link Step#begin}
   * @param afterSubmit called after each submit
   * @param timeoutNanos time for each stage
   * @return the outcome of the last stage that ran; stages after one that is not done do not run
   */
  public Outcome run(Consumer<Step> fill, Runnable afterSubmit, long timeoutNanos) {
    Outcome outcome = Outcome.done();
    for (int i = 0; i < programs.size() && outcome instanceof Outcome.Done; i++) {
      Step step = steps.get(i);
      step.begin();
      fill.accept(step);
      if (i > 0) {
        handOver(steps.get(i - 1), step);
      }
      programs.get(i).submit(step);
      afterSubmit.run();
      outcome = programs.get(i).await(step, System.nanoTime() + timeoutNanos);
    }
    return outcome;
  }

  private static void handOver(Step from, Step to) {
    List<Value> made = from.layout().graph().boundaryOutputs();
    List<Value> taken = to.layout().graph().boundaryInputs();
    for (int i = 0; i < taken.size(); i++) {
      MemorySegment source = from.boundaryOutput(made.indexOf(taken.get(i)));
      to.boundaryInput(i).copyFrom(source);
    }
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("a step, program or placement failed to close", e);
      }
    }
  }
}
