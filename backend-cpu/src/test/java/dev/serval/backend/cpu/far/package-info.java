/** The contracts, kept by the CPU backend seen from afar. */
@NullMarked
package dev.serval.backend.cpu.far;

import org.jspecify.annotations.NullMarked;
