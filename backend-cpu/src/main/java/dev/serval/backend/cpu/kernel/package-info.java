/**
 * Kernels of the CPU backend: each operation as an interface, a vector implementation, and a scalar
 * twin that computes the same bits in the same order.
 */
@NullMarked
package dev.serval.backend.cpu.kernel;

import org.jspecify.annotations.NullMarked;
