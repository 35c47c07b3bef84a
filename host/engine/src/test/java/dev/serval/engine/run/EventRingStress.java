package dev.serval.engine.run;

import dev.serval.api.runtime.TokenEvent;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.L_Result;

/** The ring of events between the thread that puts them and the one that takes them. */
public final class EventRingStress {

  /** What is taken when nothing follows. */
  private static final String NONE = "none";

  private EventRingStress() {}

  /** A ring with room for one event and the text of another. */
  private static EventRing ring() {
    return new EventRing(EventRing.EVENT_BYTES, () -> {});
  }

  /** The text of the next event; waits for it. */
  private static String take(EventRing ring) {
    try {
      TokenEvent event = ring.take();
      if (event == null) {
        return NONE;
      }
      ring.delivered(event);
      return event.text();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Events are put until the end, and taken until the end. */
  @JCStressTest
  @Outcome(id = "abcd, false", expect = Expect.ACCEPTABLE, desc = "all in order, no room is taken")
  @Outcome(expect = Expect.FORBIDDEN, desc = "an event is lost, doubled or changed")
  @State
  public static class PutAndTake {

    private final EventRing ring = ring();

    /** For jcstress. */
    public PutAndTake() {}

    @Actor
    public void put() {
      ring.put(0, 1, "ab");
      ring.put(1, 2, "c");
      ring.put(2, 3, "d");
      ring.end();
    }

    @Actor
    public void takeAll(LL_Result r) {
      StringBuilder all = new StringBuilder();
      for (String s = take(ring); !s.equals(NONE); s = take(ring)) {
        all.append(s);
      }
      r.r1 = all.toString();
    }

    @Arbiter
    public void full(LL_Result r) {
      r.r2 = ring.isFull();
    }
  }

  /** The consumer goes while events are put. */
  @JCStressTest
  @Outcome(id = "none, false", expect = Expect.ACCEPTABLE, desc = "nothing is left")
  @Outcome(expect = Expect.FORBIDDEN, desc = "an event is left, or takes room")
  @State
  public static class PutAndAbandon {

    private final EventRing ring = ring();

    /** For jcstress. */
    public PutAndAbandon() {}

    @Actor
    public void put() {
      ring.put(0, 1, "ab");
      ring.put(1, 2, "c");
      ring.end();
    }

    @Actor
    public void abandon() {
      ring.abandon();
    }

    @Arbiter
    public void left(LL_Result r) {
      r.r1 = take(ring);
      r.r2 = ring.isFull();
    }
  }

  /** A consumer waits, and either an event comes, or nobody wants it any more. */
  @JCStressTest
  @Outcome(id = "ab", expect = Expect.ACCEPTABLE, desc = "put and taken first")
  @Outcome(id = NONE, expect = Expect.ACCEPTABLE, desc = "abandoned first")
  @Outcome(expect = Expect.FORBIDDEN, desc = "something else was taken")
  @State
  public static class TakeAndAbandon {

    private final EventRing ring = ring();

    /** For jcstress. */
    public TakeAndAbandon() {}

    @Actor
    public void put() {
      ring.put(0, 1, "ab");
    }

    @Actor
    public void take(L_Result r) {
      r.r1 = EventRingStress.take(ring);
    }

    @Actor
    public void abandon() {
      ring.abandon();
    }
  }

  /** A consumer waits, and the producer ends without an event. */
  @JCStressTest
  @Outcome(id = NONE, expect = Expect.ACCEPTABLE, desc = "woken by the end")
  @Outcome(expect = Expect.FORBIDDEN, desc = "something else was taken")
  @State
  public static class TakeAndEnd {

    private final EventRing ring = ring();

    /** For jcstress. */
    public TakeAndEnd() {}

    @Actor
    public void end() {
      ring.end();
    }

    @Actor
    public void take(L_Result r) {
      r.r1 = EventRingStress.take(ring);
    }
  }
}
