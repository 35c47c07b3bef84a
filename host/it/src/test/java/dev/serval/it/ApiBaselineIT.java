package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import aQute.bnd.differ.Baseline;
import aQute.bnd.differ.DiffPluginImpl;
import aQute.bnd.osgi.EmbeddedResource;
import aQute.bnd.osgi.Jar;
import aQute.bnd.osgi.Processor;
import aQute.bnd.service.diff.Delta;
import aQute.bnd.version.Version;
import dev.serval.api.backend.Backend;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.TokenSink;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.constant.ConstantDescs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import org.junit.jupiter.api.Test;

/**
 * The api's packages against those of the last milestone: what changed must show in a package's
 * version. Before 1.0 every addition and every break raises the second number; bnd's own check
 * passes over versions that begin with 0.
 */
class ApiBaselineIT {

  private static final Path MILESTONE = Path.of("../../config/baseline/dev.serval.api.jar");
  private static final Path CURRENT =
      Path.of(System.getProperty("serval.distribution"), "bundles", "dev.serval.api.jar");

  /** A change that the version of its package does not show. */
  private record Violation(String packageName, Delta delta, String message) {}

  @Test
  void versionsShowWhatChangedSinceTheMilestone() throws Exception {
    try (Jar older = new Jar(MILESTONE.toFile());
        Jar newer = new Jar(CURRENT.toFile())) {
      assertEquals(
          List.of(),
          violations(older, newer),
          "raise @Version in package-info.java, or renew the milestone (CONTRIBUTING.md)");
    }
  }

  @Test
  void demandsAVersionForAMethodAddedToWhatPluginsImplement() throws Exception {
    assertViolation(TokenSink.class, Delta.MAJOR);
    // bnd 7.3.0 takes an abstract method for a default one if a default one precedes it
    // (JavaElement)
    assertViolation(ModelArchitecture.class, Delta.MINOR);
  }

  @Test
  void demandsAVersionForAMethodAddedToWhatTheRuntimeImplements() throws Exception {
    assertViolation(Backend.class, Delta.MINOR);
    assertViolation(Serval.class, Delta.MINOR);
  }

  @Test
  void demandsAVersionForALostType() throws Exception {
    try (Jar older = new Jar(CURRENT.toFile());
        Jar newer = new Jar(CURRENT.toFile())) {
      newer.remove(path(LoadRequest.class));
      List<Violation> found = violations(older, newer);
      assertEquals(1, found.size(), found.toString());
      assertEquals(Delta.MAJOR, found.getFirst().delta());
    }
  }

  @Test
  void isContentOnceTheVersionIsRaised() throws Exception {
    try (Jar older = new Jar(CURRENT.toFile());
        Jar newer = new Jar(CURRENT.toFile())) {
      addAbstractMethod(newer, Backend.class);
      Attributes manifest = newer.getManifest().getMainAttributes();
      String exports = manifest.getValue("Export-Package");
      String name = Backend.class.getPackageName();
      String raised =
          exports.replaceFirst(
              name.replace(".", "\\.") + ";version=\"[^\"]+\"", name + ";version=\"0.99.0\"");
      assertTrue(!raised.equals(exports), exports);
      manifest.putValue("Export-Package", raised);
      assertEquals(List.of(), violations(older, newer));
    }
  }

  private static void assertViolation(Class<?> type, Delta delta) throws Exception {
    try (Jar older = new Jar(CURRENT.toFile());
        Jar newer = new Jar(CURRENT.toFile())) {
      assertEquals(List.of(), violations(older, newer));
      addAbstractMethod(newer, type);
      List<Violation> found = violations(older, newer);
      assertEquals(1, found.size(), found.toString());
      assertEquals(type.getPackageName(), found.getFirst().packageName());
      assertEquals(delta, found.getFirst().delta());
      assertTrue(found.getFirst().message().contains("added()"), found.toString());
    }
  }

  private static String path(Class<?> type) {
    return type.getName().replace('.', '/') + ".class";
  }

  private static void addAbstractMethod(Jar jar, Class<?> type) throws Exception {
    byte[] before;
    try (InputStream in = jar.getResource(path(type)).openInputStream()) {
      before = in.readAllBytes();
    }
    ClassFile classes = ClassFile.of();
    byte[] after =
        classes.transformClass(
            classes.parse(before),
            ClassTransform.endHandler(c ->
                c.withMethod(
                    "added",
                    ConstantDescs.MTD_void,
                    ClassFile.ACC_PUBLIC | ClassFile.ACC_ABSTRACT,
                    m -> {})));
    jar.putResource(path(type), new EmbeddedResource(after, 0));
  }

  private static List<Violation> violations(Jar older, Jar newer) throws Exception {
    List<Violation> violations = new ArrayList<>();
    try (Processor processor = new Processor()) {
      Baseline baseline = new Baseline(processor, new DiffPluginImpl());
      for (Baseline.Info info : baseline.baseline(newer, older, null)) {
        Delta delta = info.packageDiff.getDelta();
        boolean visible =
            switch (delta) {
              case MINOR, MAJOR -> info.newerVersion.compareTo(required(info)) >= 0;
              case REMOVED -> false;
              default -> true;
            };
        if (!visible) {
          violations.add(new Violation(info.packageName, delta, message(info)));
        }
      }
    }
    return violations;
  }

  /** The lowest version that shows an addition or a break. */
  private static Version required(Baseline.Info info) {
    Version older = info.olderVersion;
    return older.getMajor() == 0 ? new Version(0, older.getMinor() + 1, 0) : info.suggestedVersion;
  }

  private static String message(Baseline.Info info) {
    return "%s: was %s, is %s, must be %s or more:%n%s"
        .formatted(
            info.packageName,
            info.olderVersion,
            info.newerVersion,
            info.packageDiff.getDelta() == Delta.REMOVED ? "there" : required(info),
            info.reason);
  }
}
