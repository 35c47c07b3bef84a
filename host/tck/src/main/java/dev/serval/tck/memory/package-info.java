/** A pool and a budget that catch stray writes, leaks and double closes. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck.memory;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
