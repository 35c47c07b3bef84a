/** Tests of the command line that need no framework. */
@NullMarked
package dev.serval.launcher;

import org.jspecify.annotations.NullMarked;
