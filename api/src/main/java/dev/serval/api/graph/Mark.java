package dev.serval.api.graph;

import java.util.OptionalInt;

/**
 * A place in a graph where it may be cut, and where an interrupted step may end.
 *
 * @param name {@code embed}, {@code layer N} or {@code output}
 */
public record Mark(String name) {

  private static final String LAYER = "layer ";

  /** From the token ids to the input of the first layer. */
  public static final Mark EMBED = new Mark("embed");

  /** From the output of the last layer to the end. */
  public static final Mark OUTPUT = new Mark("output");

  /** The layer of that number, from 0. */
  public static Mark layer(int index) {
    if (index < 0) {
      throw new IllegalArgumentException("layer must not be negative: " + index);
    }
    return new Mark(LAYER + index);
  }

  /** The number of the layer, if this is one that {@link #layer} made. */
  public OptionalInt layerIndex() {
    String number = name.startsWith(LAYER) ? name.substring(LAYER.length()) : "";
    return number.matches("0|[1-9][0-9]{0,8}")
        ? OptionalInt.of(Integer.parseInt(number))
        : OptionalInt.empty();
  }
}
