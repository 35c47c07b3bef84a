package dev.serval.tck.weights;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Made-up tensors, in native memory. Every second one starts at an odd address, since a file need
 * not align its tensors to anything. The same seed and calls give the same bytes.
 *
 * <p>Adding is confined to one thread; reading is thread-safe afterwards.
 */
public final class TestWeights implements Weights {

  private final long seed;
  private final SplittableRandom random;
  private final Map<String, TensorInfo> infos = new LinkedHashMap<>();
  private final Map<String, MemorySegment> data = new LinkedHashMap<>();

  /** Creates an empty set whose random numbers depend on {@code seed} only. */
  public TestWeights(long seed) {
    this.seed = seed;
    this.random = new SplittableRandom(seed);
  }

  /** Adds a tensor of numbers uniform in [−1, 1), rounded to {@code type}. */
  public TensorView random(String name, DataType type, long... sizes) {
    return around(name, type, 0, 1, sizes);
  }

  /** Adds a tensor of numbers uniform in centre ± radius, rounded to {@code type}. */
  public TensorView around(
      String name, DataType type, double centre, double radius, long... sizes) {
    float[] x = new float[Math.toIntExact(Shape.of(sizes).elements())];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) (centre + radius * (2 * random.nextDouble() - 1));
    }
    return add(name, type, x, sizes);
  }

  /**
   * Adds a tensor.
   *
   * @param name name, not used before
   * @param type one of {@link Quantizers#types}
   * @param x the numbers, row after row; rounded to {@code type}
   * @param sizes sizes, fastest first
   */
  public TensorView add(String name, DataType type, float[] x, long... sizes) {
    TensorInfo info = new TensorInfo(name, type, Shape.of(sizes));
    if (info.shape().elements() != x.length) {
      throw new IllegalArgumentException(name + ": " + x.length + " numbers for " + info.shape());
    }
    MemorySegment bytes = allocate(info);
    Quantizers.encode(type, x, bytes);
    return register(info, bytes);
  }

  /** Adds a tensor of given bytes, of any type. */
  public TensorView add(TensorInfo info, byte[] content) {
    if (content.length != info.bytes()) {
      throw new IllegalArgumentException(info + ": " + content.length + " of " + info.bytes());
    }
    MemorySegment bytes = allocate(info);
    bytes.copyFrom(MemorySegment.ofArray(content));
    return register(info, bytes);
  }

  private MemorySegment allocate(TensorInfo info) {
    long odd = infos.size() % 2;
    return Arena.ofAuto().allocate(info.bytes() + 1, 64).asSlice(odd, info.bytes());
  }

  private TensorView register(TensorInfo info, MemorySegment bytes) {
    if (infos.putIfAbsent(info.name(), info) != null) {
      throw new IllegalArgumentException("tensor \"" + info.name() + "\" is there already");
    }
    data.put(info.name(), bytes.asReadOnly());
    return TensorView.of(info);
  }

  /** The seed, for messages. */
  public long seed() {
    return seed;
  }

  /** All tensors, in the order in which they were added. */
  public List<TensorView> tensors() {
    return infos.values().stream().map(TensorView::of).toList();
  }

  @Override
  public MemorySegment data(TensorInfo tensor) {
    MemorySegment bytes = data.get(tensor.name());
    if (bytes == null || !tensor.equals(infos.get(tensor.name()))) {
      throw new IllegalArgumentException("no tensor " + tensor);
    }
    return bytes;
  }
}
