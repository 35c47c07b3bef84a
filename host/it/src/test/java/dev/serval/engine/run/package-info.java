/** Tests of what a step of a runner costs on a real backend. */
@NullMarked
package dev.serval.engine.run;

import org.jspecify.annotations.NullMarked;
