package dev.serval.engine.event;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A model was loaded; the duration is that from request to ready. Recorded once per load. */
@Name(LoadEvent.NAME)
@Label("Model Load")
@Description("A model file was opened, placed on a device and made ready")
@Category("Serval")
@StackTrace(false)
public final class LoadEvent extends Event {

  /** Name in recordings. */
  public static final String NAME = "dev.serval.Load";

  /** Name of the model; absent if it was refused before it was known. */
  @Label("Model")
  public @Nullable String model;

  /** What the file calls its architecture. */
  @Label("Architecture")
  public @Nullable String architecture;

  /** Name of the backend. */
  @Label("Backend")
  public @Nullable String backend;

  /** Bytes of tensors that were read. */
  @Label("Read")
  @DataAmount
  public long readBytes;

  /** Bytes leased. */
  @Label("Leased")
  @DataAmount
  public long leasedBytes;

  /** Tokens a sequence may hold. */
  @Label("Context Length")
  public int contextLength;

  /** Stable code of the failure; empty after a success. */
  @Label("Failure")
  public String failure = "";

  /** An event that has not begun. */
  public LoadEvent() {}
}
