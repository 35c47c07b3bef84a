/** Text to token ids and back. */
@Export
@Version("0.2.0")
@NullMarked
package dev.serval.api.text;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
