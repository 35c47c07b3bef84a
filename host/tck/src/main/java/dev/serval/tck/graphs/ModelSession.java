package dev.serval.tck.graphs;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A compiled test model with its memory and a runner, for one test. Closing it checks that all
 * memory came back.
 */
public final class ModelSession implements AutoCloseable {

  /** Tokens per step. */
  public static final int MAX_TOKENS = 32;

  /** Sequences. */
  public static final int MAX_SEQUENCES = 4;

  /** Cells of each group that has slots. */
  public static final int CELLS = 128;

  /** Which cells tokens get. */
  public enum Cells {
    /** The lowest free cell each time. */
    ASCENDING,
    /** Any free cell. */
    SCATTERED
  }

  private final TestMemory memory = new TestMemory();
  private final Chain chain;
  private final SequenceRunner runner;
  private final CompileSpec spec;

  /** The whole graph in exact mode with an F32 cache, on the backend's first device. */
  public ModelSession(Backend backend, TestModel model) {
    this(backend, model, List.of(model.graph()), UnaryOperator.identity(), Cells.ASCENDING);
  }

  /** The whole graph with a changed spec. */
  public ModelSession(Backend backend, TestModel model, UnaryOperator<CompileSpec> change) {
    this(backend, model, List.of(model.graph()), change, Cells.ASCENDING);
  }

  /**
   * Compiles a model.
   *
   * @param stages the graph, or the stages it was cut into
   * @param change turns the plain spec into the one to use
   * @param cells which cells tokens get
   */
  public ModelSession(
      Backend backend,
      TestModel model,
      List<Graph> stages,
      UnaryOperator<CompileSpec> change,
      Cells cells) {
    spec = change.apply(memory.spec(model.graph(), MAX_TOKENS, MAX_SEQUENCES, CELLS));
    chain =
        Chain.of(backend, backend.devices().devices().getFirst(), model.weights(), stages, spec);
    runner =
        cells == Cells.SCATTERED
            ? SequenceRunner.scattered(chain, model.graph(), spec.limits(), 17)
            : new SequenceRunner(chain, model.graph(), spec.limits());
  }

  /** The programs and their steps. */
  public Chain chain() {
    return chain;
  }

  /** Feeds them. */
  public SequenceRunner runner() {
    return runner;
  }

  /** What the model was compiled for. */
  public CompileSpec spec() {
    return spec;
  }

  /** Where its memory comes from. */
  public TestMemory memory() {
    return memory;
  }

  @Override
  public void close() {
    chain.close();
    memory.close();
  }
}
