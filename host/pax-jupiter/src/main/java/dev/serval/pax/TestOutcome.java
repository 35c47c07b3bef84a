package dev.serval.pax;

import java.util.ArrayList;
import java.util.List;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.opentest4j.TestAbortedException;
import org.ops4j.pax.exam.TestContainerException;
import org.ops4j.pax.exam.WrappedTestContainerException;

/**
 * Listens to the run of one test inside the framework and turns the result into what may leave it:
 * Pax Exam's exceptions, with nothing but JDK classes inside, so that no class of a bundle is
 * needed, or held, on the other side. Confined to the thread of the run.
 */
final class TestOutcome implements TestExecutionListener {
  private final String test;
  private final List<Throwable> failures = new ArrayList<>();
  private final List<String> skips = new ArrayList<>();
  private int passed;

  /** Starts with no result; {@code test} names the test in messages. */
  TestOutcome(String test) {
    this.test = test;
  }

  @Override
  public void executionSkipped(TestIdentifier identifier, String reason) {
    skips.add(reason);
  }

  @Override
  public void executionFinished(TestIdentifier identifier, TestExecutionResult result) {
    switch (result.getStatus()) {
      case FAILED ->
          failures.add(
              result.getThrowable().orElseGet(() -> new AssertionError("no reason given")));
      case ABORTED -> skips.add(result.getThrowable().map(Throwable::getMessage).orElse(""));
      case SUCCESSFUL -> passed += identifier.isTest() ? 1 : 0;
    }
  }

  /**
   * Returns if at least one test passed and none failed.
   *
   * @throws TestContainerException if a test failed, caused by a copy of the first failure; if all
   *     were skipped; if there was none
   */
  void throwUnlessPassed() {
    if (!failures.isEmpty()) {
      Throwable first = portable(failures.getFirst());
      failures.stream().skip(1).map(TestOutcome::portable).forEach(first::addSuppressed);
      throw new TestContainerException(test + ": " + failures.getFirst(), first);
    }
    if (!skips.isEmpty() && passed == 0) {
      throw new WrappedTestContainerException(
          test + ": skipped", new TestAbortedException(skips.getFirst()));
    }
    if (passed == 0) {
      throw new TestContainerException("no test ran inside the framework for " + test);
    }
  }

  private static Throwable portable(Throwable original) {
    Throwable cause = original.getCause() == null ? null : portable(original.getCause());
    Throwable copy =
        original instanceof AssertionError
            ? new AssertionError(original.getMessage(), cause)
            : new RuntimeException(original.toString(), cause);
    copy.setStackTrace(original.getStackTrace());
    for (Throwable suppressed : original.getSuppressed()) {
      copy.addSuppressed(portable(suppressed));
    }
    return copy;
  }
}
