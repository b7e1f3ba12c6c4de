package io.lockstep.distributor;

/**
 * Digest of the whole state at one place of the log.
 *
 * @param position place of the entry that asked for it
 * @param digest 64 bits over session table, transactions and records
 */
public record DigestAnswer(long position, long digest) {}
