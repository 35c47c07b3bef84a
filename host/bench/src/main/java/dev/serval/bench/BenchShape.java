package dev.serval.bench;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import java.util.List;

/** The sizes of a published model, which a file with random weights takes over. */
interface BenchShape {

  /** Names that {@link #named} knows. */
  List<String> NAMES =
      List.of(
          "gemma3-270m",
          "gemma3-1b",
          "gemma3-4b-8l",
          "embeddinggemma-300m",
          "gpt-oss-20b-4l",
          "tiny",
          "tiny-embedding",
          "tiny-gpt-oss");

  /**
   * A published size; one of fewer layers than published, as its end says; or a tiny one for tests.
   *
   * @throws IllegalArgumentException naming the shapes there are
   */
  static BenchShape named(String name) {
    return switch (name) {
      case "gemma3-270m" -> new GemmaShape(false, 18, 640, 2048, 4, 1, 256, 512, 32768, 262144);
      case "gemma3-1b" -> new GemmaShape(false, 26, 1152, 6912, 4, 1, 256, 512, 32768, 262144);
      case "gemma3-4b-8l" -> new GemmaShape(false, 8, 2560, 10240, 8, 4, 256, 1024, 32768, 262144);
      case "embeddinggemma-300m" ->
          new GemmaShape(true, 24, 768, 1152, 3, 1, 256, 512, 2048, 262144);
      case "gpt-oss-20b-4l" -> new GptOssShape(4, 2880, 2880, 64, 8, 64, 128, 32, 4, 201088);
      case "tiny" -> new GemmaShape(false, 6, 64, 128, 2, 1, 32, 16, 256, 600);
      case "tiny-embedding" -> new GemmaShape(true, 6, 64, 128, 2, 1, 32, 16, 256, 600);
      case "tiny-gpt-oss" -> new GptOssShape(2, 64, 64, 4, 2, 32, 16, 4, 2, 600);
      default ->
          throw new IllegalArgumentException(
              "shape: expected one of " + String.join(", ", NAMES) + ", got " + name);
    };
  }

  /** The file's {@code general.architecture}, with which its keys begin. */
  String architecture();

  /** Writes keys and vocabulary. */
  void describe(BenchHeader header);

  /**
   * The tensors.
   *
   * @param type of the matrices
   */
  List<TensorInfo> tensors(DataType type);

  /**
   * A matrix, in the type that stands in where its rows are no multiple of the type's blocks: those
   * of llama.cpp's quantizer ({@code src/llama-quant.cpp}, its fallbacks of K types).
   */
  static TensorInfo matrix(String name, DataType type, int in, int out) {
    boolean fits = in % type.blockLength() == 0;
    DataType used =
        fits
            ? type
            : switch (type) {
              case Q4_K -> DataType.Q5_0;
              case Q6_K -> DataType.Q8_0;
              default -> type;
            };
    return new TensorInfo(name, used, Shape.of(in, out));
  }

  /** A vector in F32. */
  static TensorInfo vector(String name, int n) {
    return new TensorInfo(name, DataType.F32, Shape.of(n));
  }
}
