package dev.serval.backend.cpu.instruction;

import dev.serval.backend.cpu.kernel.RowForm;
import java.lang.foreign.MemorySegment;

/**
 * What products read beside, or instead of, the rows of a value, one after the other.
 *
 * @param form what it is; not {@link RowForm#PLAIN}
 * @param group elements that share a sum or a scale
 * @param memory the memory
 * @param at byte of row 0, a multiple of 4
 */
public record PreparedRows(RowForm form, int group, MemorySegment memory, long at) {}
