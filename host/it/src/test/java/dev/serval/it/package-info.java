/** Rules over all modules, and tests of the assembled distribution inside an OSGi framework. */
@NullMarked
package dev.serval.it;

import org.jspecify.annotations.NullMarked;
