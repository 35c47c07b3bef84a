package dev.serval.it;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The arrows between modules: everything points to the api, and the api to the JDK. */
class ArchitectureTest {
  private static final String API = "dev.serval.api..";
  private static final String JSON_PARSER = "tools.jackson..";
  private static final String JDK = "java..";

  /** Present in class files, never needed at run time. */
  private static final String[] ANNOTATIONS = {
    "org.jspecify.annotations..",
    "org.osgi.annotation..",
    "org.osgi.service.component.annotations..",
    "org.osgi.service.metatype.annotations..",
  };

  private static JavaClasses serval;

  @BeforeAll
  static void readClasses() {
    serval =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.serval");
  }

  /** Also keeps incubating, JCuda, logging and JSON types out of exported signatures. */
  @Test
  void apiNeedsTheJdkOnly() {
    onlyDependsOn("dev.serval.api..", JDK).check(serval);
  }

  @Test
  void cpuBackendSeesNoModelAndNoHost() {
    onlyDependsOn("dev.serval.backend.cpu..", API, JDK, "org.slf4j..", "jdk.incubator.vector..")
        .check(serval);
  }

  @Test
  void gemmaSeesNoBackendAndNoHost() {
    onlyDependsOn("dev.serval.models.gemma..", API, JDK, "org.slf4j..").check(serval);
  }

  @Test
  void engineSeesNoBackendAndNoModel() {
    onlyDependsOn("dev.serval.engine..", API, JDK, "jdk.jfr..", "org.slf4j..", JSON_PARSER)
        .check(serval);
  }

  @Test
  void metersSeeTheApiOnly() {
    onlyDependsOn("dev.serval.micrometer..", API, JDK, "io.micrometer..").check(serval);
  }

  @Test
  void onePackageReadsJson() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.serval.engine.grammar.json..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(JSON_PARSER)
        .check(serval);
  }

  @Test
  void packagesAreNamedByFeature() {
    noClasses()
        .should()
        .resideInAnyPackage("..util..", "..utils..", "..common..", "..impl..", "..misc..")
        .check(serval);
  }

  private static ArchRule onlyDependsOn(String own, String... others) {
    String[] allowed =
        Stream.of(Stream.of(own), Stream.of(others), Stream.of(ANNOTATIONS))
            .flatMap(packages -> packages)
            .toArray(String[]::new);
    return classes()
        .that()
        .resideInAPackage(own)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(allowed);
  }
}
