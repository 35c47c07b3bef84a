package dev.serval.api.backend;

import java.util.List;

/**
 * What a backend found.
 *
 * @param devices usable devices, best first
 * @param missing devices that were looked for and cannot be used, each with the reason
 * @param notes what is slower or smaller than it could be, and why; shown to the user
 */
public record DeviceReport(List<Device> devices, List<Missing> missing, List<String> notes) {

  /**
   * A device that cannot be used.
   *
   * @param what what was looked for
   * @param reason why it cannot be used
   */
  public record Missing(String what, String reason) {}

  /** Copies the lists. */
  public DeviceReport {
    devices = List.copyOf(devices);
    missing = List.copyOf(missing);
    notes = List.copyOf(notes);
  }
}
