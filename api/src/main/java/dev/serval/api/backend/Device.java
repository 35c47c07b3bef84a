package dev.serval.api.backend;

/**
 * A place where programs run.
 *
 * @param id the physical device, equal for every backend that reaches it, {@link #HOST_ID} or a
 *     GPU's UUID; budgets are kept per id
 * @param backend name of the backend that reports it
 * @param description for people, such as the processor's name
 * @param profile what plans need
 */
public record Device(String id, String backend, String description, DeviceProfile profile) {

  /** Id of the machine's own processors and memory. */
  public static final String HOST_ID = "cpu";
}
