/** Graphs of whole models, described with the op set and fed with made-up weights. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.tck.graphs;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
