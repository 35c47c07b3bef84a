package dev.serval.pax;

import static java.util.stream.Collectors.toList;

import java.lang.reflect.Method;
import java.util.List;
import org.junit.jupiter.engine.JupiterTestEngine;
import org.junit.platform.commons.annotation.Testable;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.HierarchyTraversalMode;
import org.junit.platform.commons.support.ReflectionSupport;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.ops4j.pax.exam.ProbeInvoker;
import org.ops4j.pax.exam.TestContainerException;
import org.osgi.framework.BundleContext;

/**
 * Runs one test method with the Jupiter engine inside the framework, in the caller's thread. Public
 * because Pax Exam's forked container calls it by reflection.
 */
public final class JupiterInvoker implements ProbeInvoker {
  private final BundleContext probe;
  private final String className;
  private final String methodName;

  private JupiterInvoker(BundleContext probe, String className, String methodName) {
    this.probe = probe;
    this.className = className;
    this.methodName = methodName;
  }

  /**
   * Makes an invoker from Pax Exam's expression {@code class;method}; the class comes from the
   * probe bundle.
   */
  static JupiterInvoker of(BundleContext probe, String expression) {
    int separator = expression.indexOf(';');
    if (separator < 0) {
      throw new IllegalArgumentException("expected class;method, got: " + expression);
    }
    return new JupiterInvoker(
        probe, expression.substring(0, separator), expression.substring(separator + 1));
  }

  @Override
  public void call(Object... args) {
    Class<?> testClass = testClass();
    var outcome = new TestOutcome(className + "#" + methodName);
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(testClass.getClassLoader());
    try {
      LauncherFactory.create(launcherConfig())
          .execute(
              LauncherDiscoveryRequestBuilder.request().selectors(selectors(testClass)).build(),
              outcome);
    } finally {
      thread.setContextClassLoader(before);
    }
    outcome.throwUnlessPassed();
  }

  private Class<?> testClass() {
    try {
      return probe.getBundle().loadClass(className);
    } catch (ClassNotFoundException e) {
      throw new TestContainerException("not in the probe bundle: " + className, e);
    }
  }

  private List<DiscoverySelector> selectors(Class<?> testClass) {
    return ReflectionSupport.findMethods(
            testClass,
            method -> method.getName().equals(methodName) && isTest(method),
            HierarchyTraversalMode.TOP_DOWN)
        .stream()
        .map(method -> DiscoverySelectors.selectMethod(testClass, method))
        .collect(toList());
  }

  private static boolean isTest(Method method) {
    return AnnotationSupport.isAnnotated(method, Testable.class);
  }

  /**
   * Names the engine and lets JUnit look for nothing: its ServiceLoader would not see through
   * bundles.
   */
  private static LauncherConfig launcherConfig() {
    return LauncherConfig.builder()
        .enableTestEngineAutoRegistration(false)
        .enableTestExecutionListenerAutoRegistration(false)
        .enableLauncherSessionListenerAutoRegistration(false)
        .enableLauncherDiscoveryListenerAutoRegistration(false)
        .enablePostDiscoveryFilterAutoRegistration(false)
        .addTestEngines(new JupiterTestEngine())
        .build();
  }
}
