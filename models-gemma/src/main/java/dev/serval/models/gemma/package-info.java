/** The Gemma family: Gemma 3. */
@NullMarked
package dev.serval.models.gemma;

import org.jspecify.annotations.NullMarked;
