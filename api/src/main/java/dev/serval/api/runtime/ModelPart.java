package dev.serval.api.runtime;

/**
 * One of the files that a model consists of.
 *
 * @param name the file's name
 * @param version version of the file format
 * @param bytes size of the file
 * @param tensors tensors in it
 * @param tensorBytes their size, without padding
 */
public record ModelPart(String name, int version, long bytes, int tensors, long tensorBytes) {}
