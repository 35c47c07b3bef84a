package dev.serval.pax;

import java.util.Map;
import org.ops4j.pax.exam.ProbeInvokerFactory;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;

/** Offers {@link JupiterInvoker} to Pax Exam while the bundle is active. */
public final class InvokerActivator implements BundleActivator {
  /** The name under which Pax Exam finds the invoker. */
  static final String DRIVER = "jupiter";

  @Override
  public void start(BundleContext context) {
    ProbeInvokerFactory factory =
        (probe, expression) -> JupiterInvoker.of((BundleContext) probe, expression);
    context.registerService(
        ProbeInvokerFactory.class, factory, FrameworkUtil.asDictionary(Map.of("driver", DRIVER)));
  }

  @Override
  public void stop(BundleContext context) {
    // the framework withdraws the service
  }
}
