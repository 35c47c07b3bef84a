/** What a model plugin implements, and what it sees of a model file. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.api.model;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
