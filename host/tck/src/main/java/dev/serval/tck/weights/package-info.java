/** Synthetic weights of any type, seeded, with the reference quantizers. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck.weights;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
