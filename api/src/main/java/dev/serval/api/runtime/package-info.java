/** What an embedder calls: load a model, generate, embed, watch, cancel. */
@Export
@Version("0.4.0")
@NullMarked
package dev.serval.api.runtime;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
