/** The Gemma family: Gemma 3 and EmbeddingGemma. */
@NullMarked
package dev.serval.models.gemma;

import org.jspecify.annotations.NullMarked;
