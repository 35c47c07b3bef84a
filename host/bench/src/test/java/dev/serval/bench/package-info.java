/** Tests of the benchmark models. */
@NullMarked
package dev.serval.bench;

import org.jspecify.annotations.NullMarked;
