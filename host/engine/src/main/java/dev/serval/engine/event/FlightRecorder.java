package dev.serval.engine.event;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether events can be recorded. While a recording runs, the JDK puts calls of an internal class
 * into event classes; a bundle sees that class only if its framework delegates {@value #PACKAGE} to
 * the JDK ({@code org.osgi.framework.bootdelegation}). Elsewhere events are left out, once said in
 * the log, instead of failing what they would record.
 */
public final class FlightRecorder {

  /** Package to which a framework must delegate. */
  public static final String PACKAGE = "jdk.jfr.internal.event";

  private static final Logger LOG = LoggerFactory.getLogger(FlightRecorder.class);

  private static final boolean REACHABLE = find(FlightRecorder.class.getClassLoader());

  private FlightRecorder() {}

  /** Whether methods of events may be called. */
  static boolean isReachable() {
    return REACHABLE;
  }

  /**
   * Whether somebody records, or did. Before that no class of an event is to be touched: the first
   * one makes the JDK prepare its recorder, which takes 50 ms.
   */
  public static boolean isInUse() {
    return REACHABLE && jdk.jfr.FlightRecorder.isInitialized();
  }

  /** Whether a class loader finds what recording events needs. */
  static boolean find(ClassLoader loader) {
    try {
      Class.forName(PACKAGE + ".EventWriter", false, loader);
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      LOG.info("flight recorder events are left out: the framework does not delegate {}", PACKAGE);
      return false;
    }
  }
}
