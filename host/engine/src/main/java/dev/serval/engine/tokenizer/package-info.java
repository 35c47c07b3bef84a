/** Text to token ids and back, as the metadata of a model file describes it. */
@NullMarked
package dev.serval.engine.tokenizer;

import org.jspecify.annotations.NullMarked;
