package dev.serval.launcher;

import dev.serval.api.tensor.DataType;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Element type of the cache: an option of every command that generates. */
final class KvOption {

  /** Types that a cache can have, as picocli checks and completes them. */
  private enum KvType {
    F32,
    F16,
    Q8_0,
    Q4_0
  }

  @Option(
      names = "--kv-type",
      paramLabel = "TYPE",
      description =
          "type of cached keys and values: f16 (default), f32, q8_0 (half the memory of f16),"
              + " q4_0 (a little more than a quarter)")
  private @Nullable KvType kvType;

  /** The type that was asked for, if any was. */
  Optional<DataType> type() {
    return Optional.ofNullable(kvType).map(t -> DataType.valueOf(t.name()));
  }
}
