package dev.serval.pax;

import java.lang.reflect.Method;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.api.extension.TestInstancePostProcessor;
import org.ops4j.pax.exam.util.Injector;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;

/**
 * What {@link PaxExam} adds to a test class. On which side it is, it learns from the loader of the
 * test class: a bundle's means inside. Outside it sends test methods into the framework and skips
 * everything around them; inside it injects services and lets Jupiter do the rest. Stateless; the
 * session lives in the class's store.
 */
public final class PaxExamExtension
    implements BeforeAllCallback,
        AfterAllCallback,
        TestInstancePostProcessor,
        InvocationInterceptor {

  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(PaxExamExtension.class);

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    if (isInside(context)) {
      return;
    }
    Class<?> testClass = context.getRequiredTestClass();
    if (testClass.getEnclosingClass() != null) {
      throw new ExtensionConfigurationException(
          "@PaxExam runs top-level classes only, not nested ones: " + testClass.getName());
    }
    context.getStore(NAMESPACE).put(ReactorSession.class, ReactorSession.open(testClass));
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (!isInside(context)) {
      ReactorSession session =
          context.getStore(NAMESPACE).remove(ReactorSession.class, ReactorSession.class);
      if (session != null) {
        session.close();
      }
    }
  }

  @Override
  public void postProcessTestInstance(Object testInstance, ExtensionContext context) {
    if (isInside(context)) {
      inject(testInstance);
    }
  }

  @Override
  public void interceptBeforeAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedInside(invocation, context);
  }

  @Override
  public void interceptBeforeEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedInside(invocation, context);
  }

  @Override
  public void interceptAfterEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedInside(invocation, context);
  }

  @Override
  public void interceptAfterAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedInside(invocation, context);
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedInside(invocation, context);
    if (!isInside(context)) {
      session(context).run(method.getExecutable());
    }
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedInside(invocation, context);
    if (!isInside(context)) {
      session(context).runOnce(method.getExecutable());
    }
  }

  @Override
  public <T> T interceptTestFactoryMethod(
      Invocation<T> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    throw new ExtensionConfigurationException(
        "@PaxExam runs no @TestFactory; use @ParameterizedTest: " + method.getExecutable());
  }

  private static void proceedInside(
      InvocationInterceptor.Invocation<Void> invocation, ExtensionContext context)
      throws Throwable {
    if (isInside(context)) {
      invocation.proceed();
    } else {
      invocation.skip();
    }
  }

  private static boolean isInside(ExtensionContext context) {
    return FrameworkUtil.getBundle(context.getRequiredTestClass()) != null;
  }

  private static ReactorSession session(ExtensionContext context) {
    ReactorSession session =
        context.getStore(NAMESPACE).get(ReactorSession.class, ReactorSession.class);
    if (session == null) {
      throw new IllegalStateException("no framework was started for " + context.getUniqueId());
    }
    return session;
  }

  private static void inject(Object testInstance) {
    BundleContext context = FrameworkUtil.getBundle(PaxExamExtension.class).getBundleContext();
    var reference = context.getServiceReference(Injector.class);
    if (reference == null) {
      throw new IllegalStateException(
          "no Injector service: is pax-exam-inject on the class path of the build?");
    }
    context.getService(reference).injectFields(testInstance);
    context.ungetService(reference);
  }
}
