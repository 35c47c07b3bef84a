/** How the next token is drawn from logits. */
@NullMarked
package dev.serval.engine.sampling;

import org.jspecify.annotations.NullMarked;
