package dev.serval.api.runtime;

import java.util.ArrayList;
import java.util.List;

/**
 * The elements of a tensor in a few numbers.
 *
 * @param min smallest finite element; NaN if there is none
 * @param max largest finite element; NaN if there is none
 * @param mean sum of the finite elements, in double precision and in order, by their number; NaN if
 *     there is none
 * @param nonFinite elements that are NaN or infinite
 * @param first the first elements, row-major
 * @param last the last elements, in their order; where there are few, some are in both
 */
public record TensorSummary(
    double min, double max, double mean, long nonFinite, List<Double> first, List<Double> last) {

  /** Copies the lists. */
  public TensorSummary {
    first = List.copyOf(first);
    last = List.copyOf(last);
  }

  /**
   * Sums a tensor up.
   *
   * @param ends how many of the first and of the last elements to keep, if there are as many
   */
  public static TensorSummary of(InspectedTensor tensor, int ends) {
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    double sum = 0;
    long finite = 0;
    long n = tensor.elements();
    for (long i = 0; i < n; i++) {
      double x = tensor.element(i);
      if (Double.isFinite(x)) {
        min = Math.min(min, x);
        max = Math.max(max, x);
        sum += x;
        finite++;
      }
    }
    boolean any = finite > 0;
    return new TensorSummary(
        any ? min : Double.NaN,
        any ? max : Double.NaN,
        any ? sum / finite : Double.NaN,
        n - finite,
        elements(tensor, 0, Math.min(ends, n)),
        elements(tensor, Math.max(0, n - ends), n));
  }

  private static List<Double> elements(InspectedTensor tensor, long from, long until) {
    List<Double> some = new ArrayList<>();
    for (long i = from; i < until; i++) {
      some.add(tensor.element(i));
    }
    return some;
  }
}
