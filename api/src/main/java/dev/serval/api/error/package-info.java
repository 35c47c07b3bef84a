/** A closed set of failures, each with a stable code. */
@Export
@Version("0.3.0")
@NullMarked
package dev.serval.api.error;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
