package dev.serval.micrometer;

import dev.serval.api.runtime.Serval;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** Binds the runtime to every registry that is a service, as long as both are there. */
@Component(
    service = {},
    immediate = true)
public final class MetersComponent {

  private final Serval serval;
  private final Map<MeterRegistry, ServalMeters> bound = new ConcurrentHashMap<>();

  /** Creates the component; called by the component runtime. */
  @Activate
  public MetersComponent(@Reference Serval serval) {
    this.serval = serval;
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void bindRegistry(MeterRegistry registry) {
    bound.put(registry, ServalMeters.bind(serval, registry));
  }

  void unbindRegistry(MeterRegistry registry) {
    ServalMeters meters = bound.remove(registry);
    if (meters != null) {
      meters.close();
    }
  }

  /** Removes all meters. */
  @Deactivate
  void deactivate() {
    bound.values().forEach(ServalMeters::close);
  }
}
