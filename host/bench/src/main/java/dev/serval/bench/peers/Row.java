package dev.serval.bench.peers;

import dev.serval.api.tensor.DataType;
import java.util.List;

/**
 * A model and what is measured of it: one line of the table for each test and number of threads.
 *
 * @param id name on the command line
 * @param shape of the model, as the generator knows it
 * @param type of its matrices
 * @param work what is measured
 * @param aims what the ratio to llama.cpp should be, for each test; of a row beside a busy process
 *     what Serval's own figure should be
 */
record Row(String id, String shape, DataType type, Work work, List<String> aims) {

  private static final String LARGE_4_BIT = "gemma3-1b";
  private static final String ENCODER = "embeddinggemma-300m";
  private static final String EXPERTS = "gpt-oss-20b-4l";
  private static final String SMALL = "gemma3-270m";
  private static final String LEVEL = "≥ 1.0";
  private static final String FASTER = "≥ 1.2";
  private static final String NEARLY = "≥ 0.9";
  private static final String SHORTER = "≤ 0.8";
  private static final int DEPTH = 8192;

  /** The whole table. */
  static final List<Row> ALL =
      List.of(
          generate("270m-q8_0", SMALL, DataType.Q8_0, 512, FASTER, LEVEL),
          generate("1b-q4_0", LARGE_4_BIT, DataType.Q4_0, 256, FASTER, LEVEL),
          generate("1b-q4_k", LARGE_4_BIT, DataType.Q4_K, 256, LEVEL, NEARLY),
          generate("1b-q6_k", LARGE_4_BIT, DataType.Q6_K, 256, LEVEL, NEARLY),
          // rows of the 1b are no multiple of a K block: here all matrices are in the type
          generate("4b-q4_k", "gemma3-4b-8l", DataType.Q4_K, 256, LEVEL, NEARLY),
          // nine words: with the marks at both ends about twelve tokens
          embed("embed-9-words", new Work.Embed(12, 1), SHORTER),
          embed("embed-500", new Work.Embed(500, 1), SHORTER),
          embed("embed-32x20", new Work.Embed(20, 32), FASTER),
          generate("gpt-oss", EXPERTS, DataType.Q8_0, 256, LEVEL, LEVEL),
          deep("1b-8192-f16", LARGE_4_BIT, DataType.Q4_0, "f16"),
          deep("1b-8192-q8_0", LARGE_4_BIT, DataType.Q4_0, "q8_0"),
          deep("gpt-oss-8192-f16", EXPERTS, DataType.Q8_0, "f16"),
          deep("gpt-oss-8192-q8_0", EXPERTS, DataType.Q8_0, "q8_0"),
          new Row("16-at-once", SMALL, DataType.Q8_0, new Work.Concurrent(16, 64), List.of(NEARLY)),
          new Row(
              "busy",
              SMALL,
              DataType.Q8_0,
              new Work.Beside(new Work.Generate(512, 64, 0, "f16")),
              List.of("Serval ≥ 0.8", "Serval ≥ 0.8")));

  /** Copies the list. */
  Row {
    aims = List.copyOf(aims);
    if (aims.size() != work.tests().size()) {
      throw new IllegalArgumentException(
          id + ": " + aims.size() + " aims, " + work.tests().size() + " tests");
    }
  }

  private static Row generate(
      String id, String shape, DataType type, int prompt, String prefill, String decode) {
    return new Row(
        id, shape, type, new Work.Generate(prompt, 64, 0, "f16"), List.of(prefill, decode));
  }

  private static Row embed(String id, Work.Embed work, String wall) {
    return new Row(id, ENCODER, DataType.Q8_0, work, List.of(wall, SHORTER));
  }

  private static Row deep(String id, String shape, DataType type, String cacheType) {
    return new Row(id, shape, type, new Work.Generate(0, 32, DEPTH, cacheType), List.of(LEVEL));
  }

  /** The model's file in the folder of models. */
  String fileName() {
    return shape + "-" + type + ".gguf";
  }

  /** The model as the table names it. */
  String model() {
    return shape + " " + type;
  }
}
