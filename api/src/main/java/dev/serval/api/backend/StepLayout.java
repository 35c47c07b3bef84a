package dev.serval.api.backend;

import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the parts of a {@link Step} lie in its memory. Every part starts at a multiple of {@link
 * #ALIGNMENT_BYTES}; all numbers are 4 bytes wide, in native order.
 *
 * <pre>
 * tokens     [maxTokens] I32        positions [maxTokens] I32     sequences [maxTokens] I32
 * per group: cells [maxTokens] I32  from [maxTokens] I32          until [maxTokens] I32
 * wanted     [maxWanted] I32        moves [maxMoves, 4] I32: group, sequence, position, cell
 * supplied   [maxTokens, embeddingWidth] F32
 * boundary inputs, then outputs: [rows, width] in the value's type each
 * output     [outputRows, outputWidth] F32
 * </pre>
 */
public final class StepLayout {

  /** Alignment of each part. */
  public static final long ALIGNMENT_BYTES = 64;

  private final Graph graph;
  private final CompileSpec.Limits limits;
  private final int maxMoves;
  private final int outputRows;
  private final int outputWidth;
  private final int embeddingWidth;
  private final long wantedOffset;
  private final long movesOffset;
  private final long suppliedOffset;
  private final List<Long> boundaryOffsets = new ArrayList<>();
  private final long outputOffset;
  private final long bytes;

  /**
   * The layout of steps of a program.
   *
   * @param graph whole graph or stage
   * @param limits sizes it is compiled for, with cells for every group
   */
  public StepLayout(Graph graph, CompileSpec.Limits limits) {
    if (limits.cells().size() != graph.groups().size()) {
      throw new IllegalArgumentException(
          "cells for " + limits.cells().size() + " groups, the graph has " + graph.groups().size());
    }
    this.graph = graph;
    this.limits = limits;
    int cells = 0;
    for (int n : limits.cells()) {
      cells = Math.addExact(cells, n);
    }
    maxMoves = cells;
    outputRows =
        switch (graph.outputKind()) {
          case LOGITS -> limits.maxWanted();
          case POOLED -> limits.maxSequences();
          case NONE -> 0;
        };
    outputWidth = graph.outputWidth();
    boolean supplied = limits.suppliedEmbeddings() && graph.embedding().isPresent();
    embeddingWidth = supplied ? graph.embedding().orElseThrow().type().width() : 0;
    long at = (3L + 3L * graph.groups().size()) * part(limits.maxTokens());
    wantedOffset = at;
    at += part(limits.maxWanted());
    movesOffset = at;
    at += part(4L * maxMoves);
    suppliedOffset = at;
    at += part((long) limits.maxTokens() * embeddingWidth);
    for (Value v : graph.boundaryInputs()) {
      boundaryOffsets.add(at);
      at += part(boundaryElements(v));
    }
    for (Value v : graph.boundaryOutputs()) {
      boundaryOffsets.add(at);
      at += part(boundaryElements(v));
    }
    outputOffset = at;
    at += part((long) outputRows * outputWidth);
    bytes = at;
  }

  private static long part(long elements) {
    return (elements * Integer.BYTES + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
  }

  /** Elements that a boundary value takes at most. */
  long boundaryElements(Value v) {
    Dim first = v.type().first();
    long rows =
        switch (first.kind()) {
          case FIXED -> first.size();
          case TOKENS -> limits.maxTokens();
          case WANTED -> limits.maxWanted();
          case SEQUENCES -> limits.maxSequences();
        };
    return rows * v.type().width();
  }

  /** The program's graph. */
  public Graph graph() {
    return graph;
  }

  /** The program's limits. */
  public CompileSpec.Limits limits() {
    return limits;
  }

  /** Cell moves that fit a step: as many as there are cells, so that a fork always fits. */
  public int maxMoves() {
    return maxMoves;
  }

  /** Rows of the output part. */
  public int outputRows() {
    return outputRows;
  }

  /** Elements of a row of the output part; 0 if there is none. */
  public int outputWidth() {
    return outputWidth;
  }

  /** Width of a supplied embedding row; 0 if steps cannot supply any. */
  public int embeddingWidth() {
    return embeddingWidth;
  }

  /** Offset of the token ids. */
  public long tokensOffset() {
    return 0;
  }

  /** Offset of the positions. */
  public long positionsOffset() {
    return part(limits.maxTokens());
  }

  /** Offset of the sequence numbers. */
  public long sequencesOffset() {
    return 2 * part(limits.maxTokens());
  }

  /** Offset of the cells a group's rows are stored in. */
  public long cellsOffset(int group) {
    return (3L + 3L * group) * part(limits.maxTokens());
  }

  /** Offset of a group's first visible positions. */
  public long fromOffset(int group) {
    return (4L + 3L * group) * part(limits.maxTokens());
  }

  /** Offset of a group's ends of visible positions. */
  public long untilOffset(int group) {
    return (5L + 3L * group) * part(limits.maxTokens());
  }

  /** Offset of the wanted rows. */
  public long wantedOffset() {
    return wantedOffset;
  }

  /** Offset of the cell moves. */
  public long movesOffset() {
    return movesOffset;
  }

  /** Offset of the supplied embeddings. */
  public long suppliedOffset() {
    return suppliedOffset;
  }

  /** Offset of boundary input {@code i} of the graph. */
  public long boundaryInputOffset(int i) {
    return boundaryOffsets.get(i);
  }

  /** Offset of boundary output {@code i} of the graph. */
  public long boundaryOutputOffset(int i) {
    return boundaryOffsets.get(graph.boundaryInputs().size() + i);
  }

  /** Offset of the output rows. */
  public long outputOffset() {
    return outputOffset;
  }

  /** Bytes of the whole step. */
  public long bytes() {
    return bytes;
  }
}
