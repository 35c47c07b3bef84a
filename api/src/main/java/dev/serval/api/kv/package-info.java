/** Key/value caches: which a graph needs, and how rows travel between programs. */
@Export
@Version("0.2.0")
@NullMarked
package dev.serval.api.kv;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
