/** Threads of the CPU backend: the in-order queue of the device and the team that computes. */
@NullMarked
package dev.serval.backend.cpu.team;

import org.jspecify.annotations.NullMarked;
