package dev.serval.pax;

import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.platform.commons.annotation.Testable;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.HierarchyTraversalMode;
import org.junit.platform.commons.support.ReflectionSupport;
import org.opentest4j.TestAbortedException;
import org.ops4j.pax.exam.TestAddress;
import org.ops4j.pax.exam.TestProbeBuilder;
import org.ops4j.pax.exam.WrappedTestContainerException;
import org.ops4j.pax.exam.spi.ExamReactor;
import org.ops4j.pax.exam.spi.StagedExamReactor;
import org.ops4j.pax.exam.spi.reactors.ReactorManager;

/**
 * The framework of one test class, seen from outside: started by {@link #open}, stopped by {@link
 * #close}. Confined to the thread that runs the class.
 */
final class ReactorSession implements AutoCloseable {
  /** The system property by which Pax Exam, inside, picks among the registered invokers. */
  private static final String INVOKER_PROPERTY = "pax.exam.invoker";

  private final Class<?> testClass;
  private final ReactorManager manager;
  private final StagedExamReactor reactor;
  private final Map<String, TestAddress> addresses = new HashMap<>();
  private final Set<Method> ran = new HashSet<>();

  private ReactorSession(Class<?> testClass, ReactorManager manager, StagedExamReactor reactor) {
    this.testClass = testClass;
    this.manager = manager;
    this.reactor = reactor;
    for (TestAddress address : reactor.getTargets()) {
      if (manager.lookupTestMethod(address.root()) instanceof String methodName) {
        addresses.putIfAbsent(methodName, address);
      }
    }
  }

  /**
   * Starts the framework the class's {@code @Configuration} describes, with a bundle made of the
   * test classes in it.
   *
   * @throws Exception if the configuration is wrong or a bundle cannot be started
   */
  static ReactorSession open(Class<?> testClass) throws Exception {
    System.setProperty(INVOKER_PROPERTY, InvokerActivator.DRIVER);
    Object configurator = ReflectionSupport.newInstance(testClass);
    ReactorManager manager = ReactorManager.getInstance();
    ExamReactor reactor = manager.prepareReactor(testClass, configurator);
    TestProbeBuilder probe = manager.createProbeBuilder(configurator);
    for (Method method : testMethods(testClass)) {
      manager.storeTestMethod(probe.addTest(testClass, method.getName()), method.getName());
    }
    reactor.addProbe(probe);
    var session = new ReactorSession(testClass, manager, manager.stageReactor());
    try {
      manager.beforeClass(session.reactor, testClass);
    } catch (RuntimeException e) {
      session.closeAfter(e);
      throw e;
    }
    return session;
  }

  /** The methods Jupiter may run, inherited ones too. */
  private static Iterable<Method> testMethods(Class<?> testClass) {
    return ReflectionSupport.findMethods(
        testClass,
        method -> AnnotationSupport.isAnnotated(method, Testable.class),
        HierarchyTraversalMode.TOP_DOWN);
  }

  /**
   * Runs the methods of this name inside and waits for their end.
   *
   * @throws Throwable an {@link AssertionError} if an assertion failed, a {@link
   *     TestAbortedException} if an assumption did not hold, else what Pax Exam threw
   */
  void run(Method method) throws Throwable {
    TestAddress address = addresses.get(method.getName());
    if (address == null) {
      throw new IllegalStateException("not among the tests sent into the framework: " + method);
    }
    try {
      reactor.invoke(address);
    } catch (Exception e) {
      throw asJupiterKnowsIt(e);
    }
  }

  /** As {@link #run}, but a second call for the same method does nothing. */
  void runOnce(Method method) throws Throwable {
    if (ran.add(method)) {
      run(method);
    }
  }

  @Override
  public void close() {
    manager.afterClass(reactor, testClass);
  }

  private void closeAfter(RuntimeException failure) {
    try {
      close();
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private static Throwable asJupiterKnowsIt(Exception thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof AssertionError) {
        return t;
      }
      if (t instanceof WrappedTestContainerException wrapped
          && TestAbortedException.class.getName().equals(wrapped.getWrappedClassName())) {
        return new TestAbortedException(wrapped.getWrappedMessage());
      }
    }
    return thrown;
  }
}
