/** Serval beside other engines: the same files, threads and minutes, in turn. */
@NullMarked
package dev.serval.bench.peers;

import org.jspecify.annotations.NullMarked;
