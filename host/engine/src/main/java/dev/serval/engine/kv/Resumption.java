package dev.serval.engine.kv;

/**
 * Where computing of a sequence may go on with what is cached.
 *
 * @param asked the position that was asked for
 * @param position the greatest one up to it from which computing may go on; 0: from the start
 * @param isRestored whether a checkpoint has to be restored for that
 * @param reason why less than asked; empty if it is as much
 */
public record Resumption(int asked, int position, boolean isRestored, String reason) {

  /** Tokens that were computed once and have to be computed again. */
  public int lost() {
    return asked - position;
  }
}
