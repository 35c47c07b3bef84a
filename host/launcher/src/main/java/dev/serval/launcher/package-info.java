/** The command line and the start of the embedded OSGi framework. */
@NullMarked
package dev.serval.launcher;

import org.jspecify.annotations.NullMarked;
