package dev.serval.pax;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Marks a Jupiter test class whose methods run inside an OSGi framework.
 *
 * <p>The class needs a public constructor without parameters and a public method with Pax Exam's
 * {@code @Configuration} that names the bundles: the test's own, this driver's, and those of JUnit
 * (jupiter-api, -engine, -params, platform-commons, -engine, -launcher, opentest4j). Fields marked
 * {@code javax.inject.Inject} are filled with services, or the bundle context, inside. With
 * {@code @ExamReactorStrategy(PerClass.class)} all methods of the class share one framework; by Pax
 * Exam's default each gets its own.
 *
 * <p>Constructors and field initialisers run on both sides and must not need the framework.
 * {@code @BeforeEach} and its like run inside only, once around each method: {@code @BeforeAll}
 * too, because each method is a Jupiter run of its own. The rows of a parameterized test run inside
 * as one; if one fails, the first is reported as failed. {@code @TestFactory} and {@code @Nested}
 * are refused.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(PaxExamExtension.class)
public @interface PaxExam {}
