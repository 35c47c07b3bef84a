package dev.serval.launcher;

import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.tensor.DataType;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of every command that loads a model. */
final class ModelOptions {

  /** Types a cache can have. */
  enum KvType {
    F16,
    F32
  }

  @Option(
      names = "--num-ctx",
      paramLabel = "N",
      description = "context length in tokens; default min(16384, trained)")
  private @Nullable Integer numCtx;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "compute threads; default one per available core")
  private @Nullable Integer threads;

  @Option(names = "--kv-type", paramLabel = "TYPE", description = "cache type: f16 (default), f32")
  private KvType kvType = KvType.F16;

  @Mixin private LoadOption load = new LoadOption();

  /** System properties that these options set. */
  Map<String, String> properties() {
    Map<String, String> properties = new HashMap<>();
    if (threads != null) {
      if (threads < 1) {
        throw new IllegalArgumentException("--threads must be positive: " + threads);
      }
      properties.put("serval.cpu.threads", threads.toString());
    }
    return properties;
  }

  /** The request to load a file. */
  LoadRequest request(Path path) {
    DataType type = kvType == KvType.F32 ? DataType.F32 : DataType.F16;
    LoadRequest request =
        LoadRequest.of(path).withKvType(type).withMaxSequences(1).withLoadMode(load.mode());
    return numCtx == null ? request : request.withContextLength(numCtx);
  }
}
