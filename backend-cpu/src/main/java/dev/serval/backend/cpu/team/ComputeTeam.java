package dev.serval.backend.cpu.team;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads that compute together, shared by all programs of a backend. Member 0 is the thread
 * that calls {@link #run}, always the same one; the others are daemon threads of the team.
 *
 * <p>A task is a number of items. Members draw items from a ticket until none is left, so a member
 * that the machine delays holds nobody up for longer than one item. Members spin briefly for work,
 * then park: on a busy machine a barrier that only spins costs more than it saves.
 *
 * <pre>
 * ticket: bits 63..32 number of the task, bits 31..0 next item; DRAINED between tasks
 * </pre>
 *
 * <p>{@code task} and {@code items} are written only while the ticket is drained. A member reads
 * the ticket, then {@code items} and {@code task}, then draws by compare-and-set on the ticket it
 * read; if that succeeds, what it read belongs to the ticket's task.
 */
public final class ComputeTeam implements AutoCloseable {

  /** Rounds of spinning, about 40 ns each, before a member parks. */
  private static final int SPINS = 1_000;

  private static final int DRAINED = Integer.MAX_VALUE;

  /** Distance of the counters of two members, in longs: two cache lines. */
  private static final int COUNTER_STRIDE = 16;

  private static final long JOIN_MILLIS = 1_000;

  private final Worker[] workers;
  private final long[] itemsDone;
  private final AtomicLong ticket = new AtomicLong(DRAINED);
  private final AtomicInteger pending = new AtomicInteger();
  private @Nullable TeamTask task;
  private int items;
  private volatile @Nullable Thread waiter;
  private volatile @Nullable Throwable failure;
  private volatile boolean closed;

  /**
   * Starts the team.
   *
   * @param members threads that compute, the caller of {@link #run} included
   * @param name prefix of the threads' names
   */
  public ComputeTeam(int members, String name) {
    if (members < 1) {
      throw new IllegalArgumentException("members must be positive: " + members);
    }
    itemsDone = new long[members * COUNTER_STRIDE];
    workers = new Worker[members - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1, name + (i + 1));
    }
    for (Worker w : workers) {
      w.thread.start();
    }
  }

  /** Number of members. */
  public int members() {
    return workers.length + 1;
  }

  /** Items that a member has done since the team started; exact between tasks, for member 0. */
  public long itemsDone(int member) {
    return itemsDone[member * COUNTER_STRIDE];
  }

  /**
   * Does a task and returns when all items are done. Allocates nothing. Called by member 0 only,
   * never from inside a task.
   *
   * @throws RuntimeException or an error, whatever an item threw first; further items are skipped
   */
  public void run(TeamTask newTask, int newItems) {
    if (newItems <= 1 || workers.length == 0) {
      for (int i = 0; i < newItems; i++) {
        newTask.run(0, i);
      }
      itemsDone[0] += newItems;
      return;
    }
    task = newTask;
    items = newItems;
    pending.set(newItems);
    ticket.set(((ticket.get() >>> 32) + 1) << 32);
    int wanted = newItems - 1;
    for (int i = 0; i < workers.length && wanted > 0; i++, wanted--) {
      workers[i].wake();
    }
    draw(0);
    awaitOthers();
    ticket.set(ticket.get() | DRAINED);
    task = null;
    rethrowFailure();
  }

  /** Draws and does items until none is left. Returns whether it did any. */
  private boolean draw(int member) {
    boolean any = false;
    while (true) {
      long t = ticket.get();
      int item = (int) t;
      if (item >= items) {
        return any;
      }
      TeamTask current = task;
      if (current != null && ticket.compareAndSet(t, t + 1)) {
        doItem(current, member, item);
        any = true;
      }
    }
  }

  private void doItem(TeamTask current, int member, int item) {
    try {
      if (failure == null) {
        current.run(member, item);
      }
    } catch (Throwable e) {
      failure = e;
    }
    itemsDone[member * COUNTER_STRIDE]++;
    if (pending.decrementAndGet() == 0) {
      LockSupport.unpark(waiter);
    }
  }

  private void awaitOthers() {
    for (int i = 0; i < SPINS; i++) {
      if (pending.get() == 0) {
        return;
      }
      Thread.onSpinWait();
    }
    waiter = Thread.currentThread();
    boolean interrupted = false;
    while (pending.get() > 0) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    waiter = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void rethrowFailure() {
    Throwable f = failure;
    if (f == null) {
      return;
    }
    failure = null;
    switch (f) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException("an item threw " + f, f);
    }
  }

  /** Ends the team's threads. Called when no task is under way. */
  @Override
  public void close() {
    closed = true;
    for (Worker w : workers) {
      LockSupport.unpark(w.thread);
    }
    boolean interrupted = false;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(JOIN_MILLIS);
    for (Worker w : workers) {
      interrupted |= !joined(w.thread, deadline);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for a thread's end; false if the caller was interrupted meanwhile. */
  private static boolean joined(Thread thread, long deadline) {
    try {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      thread.join(Math.max(1, left));
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /** A member with a thread of its own. */
  private final class Worker {

    private final int member;
    private final Thread thread;
    private volatile boolean parked;

    Worker(int member, String name) {
      this.member = member;
      this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::work);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(thread);
      }
    }

    private void work() {
      int idle = 0;
      while (!closed) {
        if (draw(member)) {
          idle = 0;
        } else if (idle < SPINS) {
          idle++;
          Thread.onSpinWait();
        } else {
          park();
          idle = 0;
        }
      }
    }

    private void park() {
      parked = true;
      if ((int) ticket.get() >= items && !closed) {
        LockSupport.park(ComputeTeam.this);
      }
      parked = false;
      Thread.interrupted();
    }
  }
}
