package dev.serval.api.runtime;

import java.util.List;
import java.util.OptionalLong;

/**
 * What to plan: a load, the devices it should use, and how layers are put on them. Nothing is
 * loaded, and devices may be imaginary.
 *
 * @param load what would be loaded
 * @param devices imaginary devices; empty for those that are there
 * @param options how to place
 */
public record PlanRequest(LoadRequest load, List<ImaginaryDevice> devices, Options options) {

  /** As many layers on devices as fit. */
  public static final int AUTOMATIC = -1;

  /**
   * A device that need not exist. It is planned for the best installed backend, as a device of the
   * kind that backend has, with this memory.
   *
   * @param id name for reports, unique
   * @param memoryBytes memory, at least 0
   * @param integrated whether it shares the memory of the host; such devices come last
   */
  public record ImaginaryDevice(String id, long memoryBytes, boolean integrated) {
    /** Checks the size. */
    public ImaginaryDevice {
      if (memoryBytes < 0) {
        throw new IllegalArgumentException("memoryBytes must not be negative: " + memoryBytes);
      }
    }
  }

  /** How layers are put on devices. */
  public enum Strategy {
    /** As few devices as possible; those get shares in proportion to their memory. */
    BALANCED,
    /** Layers are dealt out in turn, so that devices get equal numbers. */
    ROUND_ROBIN
  }

  /**
   * How to place.
   *
   * @param strategy how layers are put on devices
   * @param requestedLayers layers to put on devices, counted from the last; {@link #AUTOMATIC} for
   *     as many as fit, more than there are for all; the rest is the host's
   * @param spread whether to use all devices even where fewer do
   * @param requireFull whether a plan that leaves layers to the host is of no use
   * @param reserveBytes memory of each device that stays untouched; absent for the default
   * @param overheadBytes memory of each device that something else takes; absent for the default
   */
  public record Options(
      Strategy strategy,
      int requestedLayers,
      boolean spread,
      boolean requireFull,
      OptionalLong reserveBytes,
      OptionalLong overheadBytes) {

    /** As many layers as fit, on as few devices as possible. */
    public static final Options DEFAULT =
        new Options(
            Strategy.BALANCED, AUTOMATIC, false, false, OptionalLong.empty(), OptionalLong.empty());

    /** Checks ranges. */
    public Options {
      if (requestedLayers < AUTOMATIC) {
        throw new IllegalArgumentException(
            "requestedLayers must be " + AUTOMATIC + " or more: " + requestedLayers);
      }
      if (reserveBytes.orElse(0) < 0 || overheadBytes.orElse(0) < 0) {
        throw new IllegalArgumentException(
            "sizes must not be negative: reserveBytes="
                + reserveBytes
                + ", overheadBytes="
                + overheadBytes);
      }
    }
  }

  /** Checks that ids differ. */
  public PlanRequest {
    devices = List.copyOf(devices);
    long ids = devices.stream().map(ImaginaryDevice::id).distinct().count();
    if (ids < devices.size()) {
      throw new IllegalArgumentException("two devices of one id: " + devices);
    }
  }

  /** A load on the devices that are there. */
  public static PlanRequest of(LoadRequest load) {
    return new PlanRequest(load, List.of(), Options.DEFAULT);
  }
}
