package dev.serval.launcher;

import dev.serval.api.runtime.LoadMode;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How weights come into memory: an option of every command that loads a model. */
final class LoadOption {

  @Option(
      names = "--load",
      paramLabel = "MODE",
      description =
          "weights used as the file has them: map (default) leaves them in the mapped file, copy"
              + " reads them into memory and closes it")
  private @Nullable LoadMode mode;

  /** The way that was asked for, if any was. */
  Optional<LoadMode> mode() {
    return Optional.ofNullable(mode);
  }
}
