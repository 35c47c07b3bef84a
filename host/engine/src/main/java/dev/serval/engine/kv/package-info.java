/** Which cell of a key/value cache holds which token. */
@NullMarked
package dev.serval.engine.kv;

import org.jspecify.annotations.NullMarked;
