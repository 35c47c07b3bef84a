/** Named, typed, read-only windows on the tensors of a model file. */
@Export
@Version("0.1.0")
@NullMarked
package dev.serval.api.tensor;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
