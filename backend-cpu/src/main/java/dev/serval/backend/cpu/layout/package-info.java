/** Where everything of a program lies in memory: pure arithmetic, the same for plan and compile. */
@NullMarked
package dev.serval.backend.cpu.layout;

import org.jspecify.annotations.NullMarked;
