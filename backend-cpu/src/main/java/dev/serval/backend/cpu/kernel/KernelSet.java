package dev.serval.backend.cpu.kernel;

/**
 * One implementation of every kernel. All sets compute the same bits.
 *
 * @param name {@code vector-512}, {@code scalar} and the like
 * @param vectorBits width of the vectors used, 0 for the scalar set
 * @param matmul matrix products
 * @param rows operations on runs of elements
 * @param attention attention
 */
public record KernelSet(
    String name, int vectorBits, MatmulKernel matmul, RowKernel rows, AttentionKernel attention) {}
