package dev.serval.engine.run;

/** How much of a text is dropped where a context has no room for it. */
final class ContextShift {

  private ContextShift() {}

  /**
   * Tokens to drop right after the kept ones so that half of what is not kept is free again
   * (Ollama's runner, {@code ShiftDiscard}).
   *
   * @param context tokens that fit
   * @param keep leading tokens that stay, fewer than {@code context}
   * @param length tokens of the text
   * @return 0 or more
   */
  static int discard(int context, int keep, int length) {
    int target = Math.max((context - keep) / 2, 1);
    int free = context - length;
    return Math.max(target - free, 0);
  }

  /** The leading tokens that can stay: the newest token stays, and one before it must go. */
  static int kept(int context, int keep) {
    return Math.clamp(keep, 0, Math.max(context - 2, 0));
  }
}
