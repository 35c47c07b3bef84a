/** The CPU backend: SIMD kernels on the incubating vector module, and their scalar twins. */
@NullMarked
package dev.serval.backend.cpu;

import org.jspecify.annotations.NullMarked;
