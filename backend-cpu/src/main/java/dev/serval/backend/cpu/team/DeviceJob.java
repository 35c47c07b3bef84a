package dev.serval.backend.cpu.team;

/** Something that a {@link DeviceQueue} does. */
public interface DeviceJob {

  /** Does the job on the queue's thread; must not throw. */
  void run(ComputeTeam team);

  /** Tells the job that it will never run. */
  void cancel(String reason);
}
