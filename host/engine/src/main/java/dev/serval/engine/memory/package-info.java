/** Off-heap memory of the process: the buffer pool and the budgets of the devices. */
@NullMarked
package dev.serval.engine.memory;

import org.jspecify.annotations.NullMarked;
