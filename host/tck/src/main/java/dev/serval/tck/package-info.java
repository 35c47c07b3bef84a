/** The contracts every backend and every model plugin must keep, as abstract JUnit classes. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
