/** Off-heap memory: every byte is leased from a pool that knows its holder, inside a budget. */
@Export
@Version("0.2.0")
@NullMarked
package dev.serval.api.memory;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
