/** What a runtime counts, as meters of Micrometer. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.micrometer;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
