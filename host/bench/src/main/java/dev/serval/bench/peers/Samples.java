package dev.serval.bench.peers;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Figures of one test by one engine. Confined to one thread. */
final class Samples {

  private final List<Double> all = new ArrayList<>();

  /** Adds what a process brought. */
  void add(List<Double> more) {
    all.addAll(more);
  }

  boolean isEmpty() {
    return all.isEmpty();
  }

  /** The middle one, or the mean of the two in the middle; NaN of none. */
  double median() {
    if (all.isEmpty()) {
      return Double.NaN;
    }
    List<Double> sorted = new ArrayList<>(all);
    Collections.sort(sorted);
    int n = sorted.size();
    return (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2;
  }

  /** Median, least and most, as the table shows them; a dash of none. */
  String text() {
    return all.isEmpty()
        ? "-"
        : "%s (%s–%s)"
            .formatted(
                digits(median()), digits(Collections.min(all)), digits(Collections.max(all)));
  }

  /** Three digits or more. */
  static String digits(double value) {
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
