/** Looking at the values that a model computes on the way. */
@NullMarked
package dev.serval.engine.inspect;

import org.jspecify.annotations.NullMarked;
