/** Any backend, made as far away as a GPU: memory behind handles, own threads, two devices. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck.far;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
