/**
 * The CPU backend: graphs become lists of instructions, instructions call SIMD kernels on a team of
 * threads.
 *
 * <p>The way of a step: {@code CpuProgram.submit} puts it in the {@code DeviceQueue}, whose thread
 * calls {@code CpuProgram.execute}; that runs one {@code Instruction} after the other, such as
 * {@code MatMulInstruction}, which spreads its tiles over the {@code ComputeTeam}, whose members
 * call a {@code MatmulKernel}.
 *
 * <p>Everything else happens before: {@code CpuPlacement} re-lays weights, {@code ProgramLayout}
 * decides where each value lies, {@code GraphCompiler} makes the instructions.
 */
@NullMarked
package dev.serval.backend.cpu;

import org.jspecify.annotations.NullMarked;
