package dev.serval.backend.cpu;

import dev.serval.api.settings.Setting;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * What Config Admin may set of this backend, for the tools of OSGi. Repeats the rows of {@link
 * Setting} that belong to {@link Setting#CPU}.
 */
@ObjectClassDefinition(
    name = "Serval CPU backend",
    description = "A change restarts the backend, which ends the models on it")
@interface CpuConfiguration {

  @AttributeDefinition(
      description = "Compute threads of the CPU backend; one per available core if not set",
      required = false,
      min = "1",
      max = "1024")
  int serval_cpu_threads();
}
