package dev.serval.engine.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** One step, from submission until its end. One object serves all steps of a model. */
@Name(StepEvent.NAME)
@Label("Step")
@Description("One batch of tokens went through the model")
@Category("Serval")
@StackTrace(false)
public final class StepEvent extends Event {

  /** Name in recordings. */
  public static final String NAME = "dev.serval.Step";

  /** Name of the model. */
  @Label("Model")
  public @Nullable String model;

  /** Sequences in the step. */
  @Label("Sequences")
  public int sequences;

  /** Rows that continue a prompt. */
  @Label("Prefill Rows")
  public int prefillRows;

  /** Rows of one new token each. */
  @Label("Decode Rows")
  public int decodeRows;

  /** Whether it ran to its end. */
  @Label("Done")
  public boolean done;

  /** An event that has not begun. */
  public StepEvent() {}
}
