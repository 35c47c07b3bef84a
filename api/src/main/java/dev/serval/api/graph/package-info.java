/** The language between models and backends: what one forward pass computes, symbolically. */
@Export
@Version("0.2.0")
@NullMarked
package dev.serval.api.graph;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
