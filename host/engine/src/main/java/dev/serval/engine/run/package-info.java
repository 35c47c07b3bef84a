/** Runs loaded models: scheduler, runner thread, generations, delivery to consumers. */
@NullMarked
package dev.serval.engine.run;

import org.jspecify.annotations.NullMarked;
