/** The one reader of model files: GGUF containers become typed metadata and named tensors. */
@NullMarked
package dev.serval.engine.gguf;

import org.jspecify.annotations.NullMarked;
