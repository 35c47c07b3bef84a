package dev.serval.backend.cpu.kernel;

/**
 * Chooses the implementation of the kernels. Loads no class that needs {@code jdk.incubator.vector}
 * before it knows that the module is there.
 */
public final class KernelSets {

  private static final String MODULE = "jdk.incubator.vector";

  /**
   * The set to use and why.
   *
   * @param set kernels
   * @param reason empty for vector kernels, otherwise what they lack
   */
  public record Choice(KernelSet set, String reason) {}

  private KernelSets() {}

  /** Kernels without vectors. */
  public static KernelSet scalar() {
    return new KernelSet(
        "scalar", 0, new ScalarMatmulKernel(), new ScalarRowKernel(), new ScalarAttentionKernel());
  }

  /**
   * Kernels on vectors of the platform's preferred width.
   *
   * @throws IllegalStateException if the module {@code jdk.incubator.vector} is absent
   */
  public static KernelSet vector() {
    if (!hasModule()) {
      throw new IllegalStateException(missing());
    }
    return VectorSet.create();
  }

  /** The vector kernels, or the scalar ones and the reason. */
  public static Choice best() {
    return hasModule() ? new Choice(vector(), "") : new Choice(scalar(), missing());
  }

  private static boolean hasModule() {
    return ModuleLayer.boot().findModule(MODULE).isPresent();
  }

  private static String missing() {
    return "module "
        + MODULE
        + " is not in the boot layer: start Java with --add-modules "
        + MODULE
        + "; scalar kernels are many times slower";
  }

  /** Kept apart, so that {@link KernelSets} itself links without the module. */
  private static final class VectorSet {

    static KernelSet create() {
      return new KernelSet(
          "vector-" + 32 * Lanes.LENGTH,
          32 * Lanes.LENGTH,
          new VectorMatmulKernel(),
          new VectorRowKernel(),
          new VectorAttentionKernel());
    }
  }
}
