package io.lockstep.tsdstore;

/**
 * Names one typed value of a transaction's state.
 *
 * @param name unique within the service, 1 to 64 characters
 * @param codec how the value becomes bytes
 * @param <T> type of the value
 */
public record StateKey<T>(String name, Codec<T> codec) {}
