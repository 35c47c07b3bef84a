/** The engine: model files, tokenizers, scheduler, sampler and hot swap behind the public API. */
@NullMarked
package dev.serval.engine;

import org.jspecify.annotations.NullMarked;
