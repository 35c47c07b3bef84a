package dev.serval.backend.cpu.team;

/** Work that a {@link ComputeTeam} does in independent items. Must not allocate. */
@FunctionalInterface
public interface TeamTask {

  /**
   * Does one item. Called from several threads at once, each item once.
   *
   * @param member number of the calling member, for memory that each member owns
   * @param item number of the item, from 0
   */
  void run(int member, int item);
}
