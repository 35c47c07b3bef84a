package dev.serval.launcher;

/** Where the lines of an interactive session come from. Confined to one thread. */
interface LineSource {

  /** What a person did at the prompt. */
  sealed interface Input {

    /**
     * Entered a text.
     *
     * @param text without the line end; several lines if they were pasted
     */
    record Line(String text) implements Input {}

    /**
     * Dropped what was typed so far.
     *
     * @param wasEmpty whether nothing was typed
     */
    record Interrupt(boolean wasEmpty) implements Input {}

    /** Left. */
    record End() implements Input {}
  }

  /** Shows a prompt and waits. */
  Input read(String prompt);
}
