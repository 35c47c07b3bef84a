package dev.serval.engine.gguf;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * The files of a model that was split (llama.cpp {@code llama_model_loader}, {@code gguf-split}).
 * All of them lie in one folder under names of one form; any of them opens the model. The first
 * states everything; what another repeats has to agree, and what it adds is refused, since nobody
 * would read it.
 */
final class SplitModel {

  /** Files of a model; 0 or 1 if it is whole. */
  static final String COUNT = "split.count";

  /** Number of the file, from 0. */
  static final String NUMBER = "split.no";

  /** Tensors of all files together. */
  static final String TENSORS = "split.tensors.count";

  /** What only says how a model is split. */
  static final Set<String> KEYS = Set.of(COUNT, NUMBER, TENSORS);

  /** Files that a model may consist of: each is held open while it loads. */
  static final int MAX_PARTS = 1024;

  private final GgufPart given;
  private final SplitName name;
  private final int count;
  private final GgufLimits limits;

  private SplitModel(GgufPart given, SplitName name, int count, GgufLimits limits) {
    this.given = given;
    this.name = name;
    this.count = count;
    this.limits = limits;
  }

  /**
   * Opens the files that belong to one.
   *
   * @param given an open file; closed if the model is refused
   * @return all files in order, {@code given} among them; it alone if the model is not split
   */
  static List<GgufPart> of(GgufPart given, GgufLimits limits) {
    List<GgufPart> open = new ArrayList<>(List.of(given));
    boolean accepted = false;
    try {
      long count = given.metadata().integer(COUNT).orElse(1);
      if (count == 0 || count == 1) {
        requireEvenHashCodes(open);
        accepted = true;
        return open;
      }
      if (count < 0 || count > MAX_PARTS) {
        throw invalid(given, COUNT, "0 to " + MAX_PARTS, count);
      }
      SplitName name =
          SplitName.of(given.name())
              .orElseThrow(() ->
                  invalid(
                      given, COUNT, "1, as the file is not named …-00001-of-00002.gguf", count));
      List<GgufPart> parts = new SplitModel(given, name, (int) count, limits).open(open);
      requireEvenHashCodes(parts);
      accepted = true;
      return parts;
    } finally {
      if (!accepted) {
        open.forEach(GgufPart::close);
      }
    }
  }

  private List<GgufPart> open(List<GgufPart> open) {
    if (name.count() != count) {
      throw invalid(given, COUNT, name.count() + ", as the file's name says", count);
    }
    require(given, NUMBER, name.number() - 1L);
    List<GgufPart> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requireWithinLimits(open);
      if (i == name.number() - 1) {
        parts.add(given);
        continue;
      }
      Path path = given.path().resolveSibling(name.sibling(i + 1));
      GgufPart part = GgufPart.open(path, limits);
      open.add(part);
      parts.add(part);
      require(part, NUMBER, i);
      require(part, COUNT, count);
    }
    requireWithinLimits(open);
    for (GgufPart part : parts) {
      requireAgreement(parts.getFirst(), part);
    }
    requireTensors(parts);
    return parts;
  }

  private static void require(GgufPart part, String key, long expected) {
    long got = required(part, key);
    if (got != expected) {
      throw invalid(part, key, Long.toString(expected), got);
    }
  }

  private static long required(GgufPart part, String key) {
    return part.metadata()
        .integer(key)
        .orElseThrow(() ->
            new ModelRefusedException(
                Reason.KEY_MISSING, part.name() + ": key " + key + " is missing"));
  }

  /** Refuses a part that says anything else than the first, but for its number and alignment. */
  private static void requireAgreement(GgufPart first, GgufPart part) {
    required(part, TENSORS);
    Metadata whole = first.metadata();
    for (String key : part.metadata().keys()) {
      if (key.equals(NUMBER) || key.equals(MetadataReader.ALIGNMENT)) {
        continue;
      }
      String got = part.metadata().describe(key);
      if (!whole.has(key)) {
        throw invalid(part, key, "no key that " + first.name() + " has not", got);
      }
      if (!isSame(first, part, key)) {
        throw invalid(part, key, whole.describe(key) + " as in " + first.name(), got);
      }
    }
  }

  private static boolean isSame(GgufPart first, GgufPart part, String key) {
    try {
      return Arrays.equals(first.pair(key), part.pair(key));
    } catch (IOException e) {
      throw GgufPart.unreadable(part.name(), e);
    }
  }

  /** The limits hold for the files read so far together, too. */
  private void requireWithinLimits(List<GgufPart> open) {
    requireAtMost(
        limits.maxTensors(), open.stream().mapToLong(p -> p.tensors().tensors().size()), "tensors");
    requireAtMost(
        limits.maxHeaderBytes(), open.stream().mapToLong(p -> p.tensors().start()), "header bytes");
  }

  private void requireAtMost(long most, LongStream ofParts, String what) {
    long sum = ofParts.sum();
    if (sum > most) {
      throw new ModelRefusedException(
          Reason.MALFORMED,
          given.name() + ": expected at most " + most + " " + what + " in all parts, got " + sum);
    }
  }

  private void requireTensors(List<GgufPart> parts) {
    Map<String, GgufPart> seen = new HashMap<>();
    for (GgufPart part : parts) {
      for (TensorTable.Stored t : part.tensors().tensors()) {
        String tensor = t.info().name();
        GgufPart other = seen.put(tensor, part);
        if (other != null) {
          throw new ModelRefusedException(
              Reason.MALFORMED,
              part.name()
                  + ": tensor \""
                  + tensor
                  + "\": expected every tensor once, got it in "
                  + other.name()
                  + " too");
        }
      }
    }
    long stated = required(parts.getFirst(), TENSORS);
    if (stated != seen.size()) {
      throw invalid(parts.getFirst(), TENSORS, seen.size() + ", the tensors of all parts", stated);
    }
  }

  private static void requireEvenHashCodes(List<GgufPart> parts) {
    List<TensorTable.Stored> tensors =
        parts.stream().flatMap(p -> p.tensors().tensors().stream()).toList();
    if (HashFlood.isFlood(tensors.stream().mapToInt(t -> t.info().name().hashCode()).toArray())
        || HashFlood.isFlood(tensors.stream().mapToInt(t -> t.info().hashCode()).toArray())) {
      throw new ModelRefusedException(
          Reason.MALFORMED,
          parts.getFirst().name()
              + ": tensor names: expected "
              + HashFlood.EXPECTED
              + ", got more of "
              + tensors.size());
    }
  }

  private static ModelRefusedException invalid(
      GgufPart part, String key, String expected, Object got) {
    return new ModelRefusedException(
        Reason.KEY_INVALID,
        part.name() + ": key " + key + ": expected " + expected + ", got " + got);
  }
}
