/** Graphs of a single op, what goes into them, and how far a result may be off. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck.ops;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
