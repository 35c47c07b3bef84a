package dev.serval.api.runtime;

/**
 * One generated token on its way to a consumer.
 *
 * @param index number of the token in the generation, from 0
 * @param token vocabulary id; −1 for text that was held back and comes without a new token
 * @param text text that became certain, possibly empty
 */
public record TokenEvent(int index, int token, String text) {}
