/** The reference backend: scalar loops in double precision, the oracle of every other backend. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck.reference;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
