package dev.serval.api.metrics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A counter that one thread at a time writes and any thread reads. Adding is a plain load, an add
 * and a store: no atomic instruction, no allocation. Made by {@link TallyGroup#tally}.
 */
public final class Tally {

  private static final VarHandle VALUE;

  static {
    try {
      VALUE = MethodHandles.lookup().findVarHandle(Tally.class, "value", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("FieldMayBeFinal") // written through the handle
  private long value;

  Tally() {}

  /** Adds one. On the writing thread. */
  public void increment() {
    add(1);
  }

  /** Adds {@code n}. On the writing thread. */
  public void add(long n) {
    VALUE.setOpaque(this, value + n);
  }

  /** What was counted so far. From any thread. */
  public long value() {
    return (long) VALUE.getOpaque(this);
  }
}
