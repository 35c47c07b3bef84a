/** Events for the JDK's flight recorder: what a load, a prefill, a step and a cache lookup cost. */
@NullMarked
package dev.serval.engine.event;

import org.jspecify.annotations.NullMarked;
