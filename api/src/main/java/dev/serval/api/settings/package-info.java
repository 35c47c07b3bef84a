/** What can be set, where, and what was set. */
@Export
@Version("0.2.0")
@NullMarked
package dev.serval.api.settings;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
