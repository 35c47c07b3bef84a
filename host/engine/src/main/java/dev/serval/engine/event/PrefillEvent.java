package dev.serval.engine.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * All tokens of a text that were known when it began, or went on, were computed. The duration
 * begins when it found room in the cache; steps of other sequences in between count.
 */
@Name(PrefillEvent.NAME)
@Label("Prefill")
@Description("The known tokens of a sequence were computed")
@Category("Serval")
@StackTrace(false)
public final class PrefillEvent extends Event {

  /** Name in recordings. */
  public static final String NAME = "dev.serval.Prefill";

  /** Name of the model. */
  @Label("Model")
  public @Nullable String model;

  /** Number of the sequence while it runs; used again by later ones. */
  @Label("Sequence")
  public int sequence;

  /** Tokens of the text. */
  @Label("Tokens")
  public int tokens;

  /** Leading tokens whose rows were in the cache. */
  @Label("Reused Tokens")
  public int reusedTokens;

  /** An event that has not begun. */
  public PrefillEvent() {}
}
