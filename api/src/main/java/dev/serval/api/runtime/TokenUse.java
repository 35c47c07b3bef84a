package dev.serval.api.runtime;

/**
 * What the tokens of a generation cost.
 *
 * @param prompt tokens of the prompt as it was given
 * @param reused leading tokens of the prompt that were in the cache already
 * @param prefilled rows computed for tokens of the prompt; more than the rest of it if the sequence
 *     had to give way to others and was computed again
 * @param computed rows computed in all, for prompt and generated tokens
 * @param dropped tokens that the context had no room for, of prompt and generation
 * @param reuse why no more of the prompt was reused; empty if all was that could be
 * @param moved rows behind dropped tokens that went on at other positions, their keys rotated
 *     instead of computed again
 * @param shift why rows behind dropped tokens were computed again; empty if none were
 */
public record TokenUse(
    int prompt,
    int reused,
    int prefilled,
    int computed,
    int dropped,
    String reuse,
    int moved,
    String shift) {}
