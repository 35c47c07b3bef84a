/** Tests of the comparison with other engines. */
@NullMarked
package dev.serval.bench.peers;

import org.jspecify.annotations.NullMarked;
