package dev.serval.launcher;

import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Serval;
import dev.serval.api.settings.Setting;
import java.nio.file.Path;
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
          "generations that may run at once, 1 to 64, in one common cache; default 1, or what is"
              + " configured. Further ones wait")
  private @Nullable Integer parallel;

  @Mixin private LoadOption load = new LoadOption();

  @Mixin private SettingOptions settings = new SettingOptions();

  /** System properties that these options set. */
  Map<String, String> properties() {
    Map<String, String> properties = settings.properties();
    if (threads != null) {
      properties.put(Setting.CPU_THREADS.key(), threads.toString());
    }
    return properties;
  }

  /**
   * The request to load a file, with the runtime's defaults; one generation if nobody says more.
   */
  LoadRequest request(Serval serval, Path path) {
    LoadRequest request = serval.request(path);
    if (parallel != null) {
      request = request.withMaxSequences(parallel);
    } else if (serval.settings().given(Setting.PARALLEL).isEmpty()) {
      request = request.withMaxSequences(1);
    }
    request = load.mode().map(request::withLoadMode).orElse(request);
    request = kv.type().map(request::withKvType).orElse(request);
    return numCtx == null ? request : request.withContextLength(numCtx);
  }
}
