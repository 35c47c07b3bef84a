package dev.serval.it;

import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.systemPackages;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ops4j.pax.exam.Option;

/**
 * What an in-framework test puts into Felix: the bundles of the assembled distribution, exactly
 * those users get, and the bundles the tests need. Returned by a test's {@code @Configuration}
 * method.
 */
final class DistributionOptions {
  private DistributionOptions() {}

  /** The options, read from the folders the build names; the tests run under failsafe only. */
  static Option[] distribution() throws IOException {
    return distributionAnd();
  }

  /**
   * The same with further bundles.
   *
   * @param folders properties of the build that name folders with bundles
   */
  static Option[] distributionAnd(String... folders) throws IOException {
    List<Option> options = new ArrayList<>();
    // SLF4J lies on the class path, as in the launcher; Pax Exam's bundles ask for 1.x, which 2.x
    // still is.
    options.add(
        systemPackages(
            "org.slf4j;version=1.7.36", "org.slf4j;version=" + required("slf4j.version")));
    addBundles(Path.of(required("serval.test.bundles")), options);
    addBundles(Path.of(required("serval.distribution"), "bundles"), options);
    for (String folder : folders) {
      addBundles(Path.of(required(folder)), options);
    }
    return options.toArray(Option[]::new);
  }

  private static void addBundles(Path folder, List<Option> options) throws IOException {
    try (var jars = Files.list(folder)) {
      jars.sorted().forEach(jar -> options.add(bundle(jar.toUri().toString())));
    }
  }

  private static String required(String property) {
    String value = System.getProperty(property);
    if (value == null) {
      throw new IllegalStateException("system property not set by the build: " + property);
    }
    return value;
  }
}
