package dev.serval.api.graph;

import dev.serval.api.kv.KvSlot;

/**
 * The keys and values of a slot after this step's rows were stored. Later layers may attend to it
 * too.
 *
 * @param slot the slot
 */
public record KvValue(KvSlot slot) {}
