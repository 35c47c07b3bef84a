package dev.serval.launcher;

import dev.serval.api.runtime.LoadRequest;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of every command that loads a model. */
final class ModelOptions {

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

  @Mixin private KvOption kv = new KvOption();

  @Option(
      names = "--parallel",
      paramLabel = "N",
      description =
          "generations that may run at once, 1 to 64, in one common cache; default 1. Further ones"
              + " wait")
  private int parallel = 1;

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
    LoadRequest request =
        LoadRequest.of(path)
            .withKvType(kv.type())
            .withMaxSequences(parallel)
            .withLoadMode(load.mode());
    return numCtx == null ? request : request.withContextLength(numCtx);
  }
}
