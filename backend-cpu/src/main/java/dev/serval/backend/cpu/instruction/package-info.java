/** Compiled nodes of a graph: what a step runs, one after the other. */
@NullMarked
package dev.serval.backend.cpu.instruction;

import org.jspecify.annotations.NullMarked;
