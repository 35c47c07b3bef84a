/** A model without arithmetic, for tests of everything around the computing. */
@NullMarked
package dev.serval.engine.recall;

import org.jspecify.annotations.NullMarked;
