/** Counters that cost nanoseconds. */
@Export
@Version("0.2.0")
@NullMarked
package dev.serval.api.metrics;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
