package dev.serval.it;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import dev.serval.engine.kv.KvCache;
import dev.serval.engine.kv.KvCells;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A small model on a backend, with the engine's cells and cache; closing it checks that all memory
 * came back.
 */
final class CachedModel implements AutoCloseable {

  static final int MAX_TOKENS = 100;
  private static final int SEQUENCES = 4;
  private static final int CELLS = 512;
  private static final int WINDOW_MEMORY = 4;

  private final TestMemory memory = new TestMemory();
  private final CompileSpec spec;
  private final Chain chain;
  private final KvCells cells;
  private final KvCache cache;

  CachedModel(Backend backend, TestModel model, DataType kvType) {
    spec = memory.spec(model.graph(), MAX_TOKENS, SEQUENCES, CELLS).withKvType(kvType);
    chain = chain(backend, model, spec);
    cells = new KvCells(model.graph().groups(), spec.limits().cells(), MAX_TOKENS, WINDOW_MEMORY);
    cache = new KvCache(cells, List.of(rows()), memory.resources(), 1 << 24);
  }

  private static Chain chain(Backend backend, TestModel model, CompileSpec spec) {
    var device = backend.devices().devices().getFirst();
    return Chain.of(backend, device, model.weights(), model.graph(), spec);
  }

  KvCells cells() {
    return cells;
  }

  KvCache cache() {
    return cache;
  }

  KvStorage rows() {
    return chain.program().kv();
  }

  /** Another step of the program; the caller closes it. */
  Step newStep() {
    return chain.program().newStep();
  }

  /** Computes the next tokens of a sequence in one step; returns the logits of each. */
  List<float[]> run(int sequence, int... tokens) {
    return runSeeing(0, 0, sequence, tokens);
  }

  /** The same where those from {@code first} until {@code end} of the tokens see each other. */
  List<float[]> runSeeing(int first, int end, int sequence, int... tokens) {
    int position = cells.length(sequence);
    chain.run(step -> {
      add(step, sequence, tokens);
      if (first < end) {
        cells.seeEachOther(step, sequence, position + first, position + end);
      }
    });
    cells.settle();
    return results();
  }

  /** Computes tokens of two sequences side by side; returns those of the first, then the second. */
  List<float[]> runBoth(int a, int[] ofA, int b, int[] ofB) {
    chain.run(step -> {
      add(step, a, ofA);
      add(step, b, ofB);
    });
    cells.settle();
    return results();
  }

  private void add(Step step, int sequence, int... tokens) {
    int position = cells.length(sequence);
    int firstRow = step.tokens();
    for (int i = 0; i < tokens.length; i++) {
      step.want(step.token(tokens[i], position + i, sequence), Output.full());
    }
    cells.place(step, firstRow, sequence, position, tokens.length);
  }

  private List<float[]> results() {
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < chain.last().wanted(); i++) {
      rows.add(chain.last().outputRow(i).toArray(ValueLayout.JAVA_FLOAT));
    }
    return rows;
  }

  /** In steps of seven tokens. */
  List<float[]> prefill(int sequence, int... tokens) {
    List<float[]> rows = new ArrayList<>();
    for (int at = 0; at < tokens.length; at += 7) {
      rows.addAll(run(sequence, Arrays.copyOfRange(tokens, at, Math.min(tokens.length, at + 7))));
    }
    return rows;
  }

  /** The logits of a text that is computed in a new program, with other bookkeeping. */
  static List<float[]> fresh(Backend backend, TestModel model, DataType kvType, int... tokens) {
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec =
          memory.spec(model.graph(), MAX_TOKENS, SEQUENCES, CELLS).withKvType(kvType);
      try (Chain chain = chain(backend, model, spec)) {
        return new SequenceRunner(chain, model.graph(), spec.limits()).prefill(0, 16, tokens);
      }
    }
  }

  @Override
  public void close() {
    cache.close();
    chain.close();
    memory.close();
  }
}
