/**
 * Runs JUnit Jupiter tests inside the OSGi framework that Pax Exam 4 starts, for which Pax Exam
 * itself has drivers for JUnit 4 and TestNG only.
 *
 * <p>The same jar works on both sides. Outside, on the class path of the build, {@link
 * dev.serval.pax.PaxExamExtension} starts the framework through Pax Exam's reactor and sends each
 * test method there instead of running it. Inside, as a bundle, it offers Pax Exam the {@link
 * dev.serval.pax.JupiterInvoker}, which runs the real Jupiter engine on that method.
 */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.pax;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
