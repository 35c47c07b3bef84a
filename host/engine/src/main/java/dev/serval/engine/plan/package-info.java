/** Which part of a model goes where: placement over layer counts, and exact plans of the stages. */
@NullMarked
package dev.serval.engine.plan;

import org.jspecify.annotations.NullMarked;
