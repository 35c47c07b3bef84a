package dev.serval.engine.gguf;

import dev.serval.api.backend.WeightUse;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryBudget;
import dev.serval.api.runtime.LoadMode;
import dev.serval.api.runtime.LoadReport.Kind;
import dev.serval.api.runtime.LoadReport.Part;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.engine.gguf.GgufFile.Location;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * How the tensors that a graph uses will come into memory. Those that a backend uses in place are
 * mapped or copied once; those that it re-lays are mapped, or copied for as long as that takes. A
 * tensor whose bytes must be repaired is copied in any case. Immutable.
 */
public final class WeightLoad {

  private final GgufFile file;
  private final WeightUse use;
  private final LoadMode mode;
  private final CopyLayout kept;
  private final CopyLayout passing;

  /**
   * Plans without reading anything.
   *
   * @param file open until {@link #load} returned, in mode {@code MAP} until the weights are closed
   * @param use what the backend does with the tensors
   */
  public WeightLoad(GgufFile file, WeightUse use, LoadMode mode) {
    this.file = file;
    this.use = use;
    this.mode = mode;
    Set<TensorInfo> inPlace = use.inPlace();
    this.kept = new CopyLayout(copied(inPlace::contains));
    this.passing = new CopyLayout(copied(t -> !inPlace.contains(t)));
  }

  private List<Location> copied(Predicate<TensorInfo> which) {
    return use.all().stream().filter(which).map(file::location).filter(this::isCopied).toList();
  }

  private boolean isCopied(Location t) {
    return mode == LoadMode.COPY || t.stored().isSequential();
  }

  /** Bytes that will be leased until the weights are closed, tier rounding included. */
  public long keptBytes() {
    return kept.leasedBytes();
  }

  /** Bytes that will be leased besides until the weights are placed, tier rounding included. */
  public long passingBytes() {
    return passing.leasedBytes();
  }

  /** Size in the file of the tensors that loading reads: those copied, and those re-laid. */
  public long readBytes() {
    return use.all().stream()
        .filter(t -> use.relaid().contains(t) || isCopied(file.location(t)))
        .mapToLong(TensorInfo::bytes)
        .sum();
  }

  /** What will become of the tensors, by kind and type. */
  public List<Part> parts() {
    Map<Kind, Map<DataType, Part>> sums = new EnumMap<>(Kind.class);
    for (TensorInfo t : use.all()) {
      if (use.inPlace().contains(t)) {
        count(sums, isCopied(file.location(t)) ? Kind.COPIED : Kind.MAPPED, t);
      }
      if (use.relaid().contains(t)) {
        count(sums, Kind.RELAID, t);
      }
    }
    List<Part> parts = new ArrayList<>();
    sums.values().forEach(byType -> parts.addAll(byType.values()));
    return parts;
  }

  private static void count(Map<Kind, Map<DataType, Part>> sums, Kind kind, TensorInfo t) {
    sums.computeIfAbsent(kind, _ -> new EnumMap<>(DataType.class))
        .merge(
            t.type(),
            new Part(kind, t.type(), 1, t.bytes()),
            (a, b) ->
                new Part(
                    kind,
                    a.type(),
                    a.tensors() + b.tensors(),
                    Math.addExact(a.bytes(), b.bytes())));
  }

  /** What is repaired on the way, for the user; empty if nothing is. */
  public List<String> notes() {
    List<TensorInfo> repaired =
        use.all().stream().filter(t -> file.location(t).stored().isSequential()).toList();
    return repaired.isEmpty()
        ? List.of()
        : List.of(
            String.format(
                Locale.ROOT,
                "%d tensors re-ordered from Ollama's first MXFP4 (type id 4), %.1f MiB",
                repaired.size(),
                repaired.stream().mapToLong(TensorInfo::bytes).sum() / (double) (1 << 20)));
  }

  /**
   * Brings the tensors into memory.
   *
   * @param pool source of copies
   * @param budget limit of the memory copies take, that of the host
   * @param holder who holds it, for reports
   * @throws OutOfBudgetException if copies do not fit
   * @throws ModelRefusedException ({@code UNREADABLE}) if a file cannot be read
   */
  public LoadedWeights load(BufferPool pool, MemoryBudget budget, String holder) {
    Map<TensorInfo, MemorySegment> mapped = new LinkedHashMap<>();
    for (TensorInfo t : use.all()) {
      if (!isCopied(file.location(t))) {
        mapped.put(t, file.weights().data(t));
      }
    }
    Optional<TensorCopies> lasting = copies(kept, pool, budget, "weights " + holder);
    boolean loaded = false;
    try {
      Optional<TensorCopies> brief = copies(passing, pool, budget, "loading " + holder);
      loaded = true;
      return new LoadedWeights(file.source().name(), mapped, lasting, brief);
    } finally {
      if (!loaded) {
        lasting.ifPresent(TensorCopies::close);
      }
    }
  }

  private static Optional<TensorCopies> copies(
      CopyLayout layout, BufferPool pool, MemoryBudget budget, String holder) {
    return layout.bufferBytes() == 0
        ? Optional.empty()
        : Optional.of(TensorCopies.read(layout, pool, budget, holder));
  }
}
