/** Weights from one type into another, and whole model files with them. */
@NullMarked
package dev.serval.engine.quantize;

import org.jspecify.annotations.NullMarked;
