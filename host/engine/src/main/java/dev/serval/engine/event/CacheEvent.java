package dev.serval.engine.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A text looked for its beginning in the cache. */
@Name(CacheEvent.NAME)
@Label("Cache Lookup")
@Description("A sequence looked for rows of its first tokens")
@Category("Serval")
@StackTrace(false)
public final class CacheEvent extends Event {

  /** Name in recordings. */
  public static final String NAME = "dev.serval.Cache";

  /** Name of the model. */
  @Label("Model")
  public @Nullable String model;

  /** Tokens of the text. */
  @Label("Tokens")
  public int tokens;

  /** Leading tokens whose rows were found. */
  @Label("Reused Tokens")
  public int reusedTokens;

  /** Why no more were; empty if that was all there could be. */
  @Label("Reason")
  public String reason = "";

  /** An event that has not begun. */
  public CacheEvent() {}
}
