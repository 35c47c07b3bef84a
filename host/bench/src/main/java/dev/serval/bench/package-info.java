/** What is needed to measure: models of real shapes with random weights. */
@NullMarked
package dev.serval.bench;

import org.jspecify.annotations.NullMarked;
