/** Runs token lists through compiled graphs, the way an engine would. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck.run;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
