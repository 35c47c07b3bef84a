/** Tests of the launcher that need the assembled distribution. */
@NullMarked
package dev.serval.launcher;

import org.jspecify.annotations.NullMarked;
