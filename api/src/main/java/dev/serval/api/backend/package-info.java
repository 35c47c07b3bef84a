/** Backends: plan, place, compile, submit. */
@Export
@Version("0.2.0")
@NullMarked
package dev.serval.api.backend;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
