package dev.serval.api.runtime;

import dev.serval.api.tensor.DataType;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * How the weights of a model came into memory.
 *
 * @param files files of the model
 * @param readBytes bytes of the tensors that loading read: those copied, and those re-laid
 * @param nanos time that took, from the first byte until the last weight was placed
 * @param parts what became of the tensors the model uses; one that is used in two ways counts twice
 */
public record LoadReport(int files, long readBytes, long nanos, List<Part> parts) {

  /** A model without files. */
  public static final LoadReport NONE = new LoadReport(0, 0, 0, List.of());

  /** What became of a tensor. */
  public enum Kind {
    /** Used in place in the mapped file, and read when it is needed. */
    MAPPED,
    /** Used as the file has it, from memory of the pool. */
    COPIED,
    /** Re-laid, converted or uploaded by the backend. */
    RELAID
  }

  /**
   * Tensors of one type to which the same happened.
   *
   * @param kind what happened
   * @param type element type in the file
   * @param tensors how many
   * @param bytes their size in the file
   */
  public record Part(Kind kind, DataType type, int tensors, long bytes) {}

  /** Copies the list. */
  public LoadReport {
    parts = List.copyOf(parts);
  }

  /** Size in the file of the tensors to which something happened. */
  public long bytes(Kind kind) {
    return parts.stream().filter(p -> p.kind() == kind).mapToLong(Part::bytes).sum();
  }

  /** Seconds of reading. */
  public double seconds() {
    return nanos / (double) TimeUnit.SECONDS.toNanos(1);
  }

  /** Millions of bytes read per second; 0 if nothing was read. */
  public double megabytesPerSecond() {
    return nanos == 0 ? 0 : readBytes / 1e6 / seconds();
  }

  /** One line for a log. */
  @Override
  public String toString() {
    StringBuilder s = new StringBuilder();
    s.append(
        String.format(
            Locale.ROOT,
            "%.1f MB read from %d file%s in %.3f s, %.0f MB/s",
            readBytes / 1e6,
            files,
            files == 1 ? "" : "s",
            seconds(),
            megabytesPerSecond()));
    for (Part p : parts) {
      s.append(
          String.format(
              Locale.ROOT,
              "; %s %d %s, %.1f MB",
              p.kind().name().toLowerCase(Locale.ROOT),
              p.tensors(),
              p.type(),
              p.bytes() / 1e6));
    }
    return s.toString();
  }
}
