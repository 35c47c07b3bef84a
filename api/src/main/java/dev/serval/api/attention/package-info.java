/** Parameters of attention: heads, scale, mask kind, sinks, soft cap. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.api.attention;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
