package io.lockstep.tsdstore;

import java.time.Duration;

/**
 * Limits of a store. Immutable. The two idle limits decide what an expiry entry does, so they must be equal on all
 * nodes; a copy carries them and is refused where they differ. The others only decide what the active takes in.
 *
 * @param sessionIdle a session without any ordered message for so long is ended; more than zero
 * @param transactionIdle default for {@link TransactionContext#expireAfter}; more than zero
 * @param retainedMax answers kept per session that its client has not acknowledged; 1 or more
 * @param retainedMaxBytes bytes of such answers per session from which on it is refused; 1 or more
 * @param retainedTotalMaxBytes bytes of such answers of all sessions: beyond, no session is opened, and one that has any is
 *     refused; beyond twice as much every session is, but for TOUCH, CLOSE and VOID; 1 or more
 * @param sessionsMax sessions open at a time; 1 or more
 * @param transactionsMax transactions open at a time; 1 or more
 */
public record TsdStoreConfig(
        Duration sessionIdle,
        Duration transactionIdle,
        int retainedMax,
        long retainedMaxBytes,
        long retainedTotalMaxBytes,
        int sessionsMax,
        int transactionsMax) {

    private static final TsdStoreConfig DEFAULTS =
            new TsdStoreConfig(Duration.ofMinutes(10), Duration.ofMinutes(5), 4096, 8 << 20, 65_536, 1_000_000);

    /** The same with a quarter of the heap for the answers of all sessions, if one session may not have more. */
    public TsdStoreConfig(
            Duration sessionIdle,
            Duration transactionIdle,
            int retainedMax,
            long retainedMaxBytes,
            int sessionsMax,
            int transactionsMax) {
        this(
                sessionIdle,
                transactionIdle,
                retainedMax,
                retainedMaxBytes,
                Math.max(Runtime.getRuntime().maxMemory() / 4, retainedMaxBytes),
                sessionsMax,
                transactionsMax);
    }

    public TsdStoreConfig {
        requirePositive("sessionIdle", sessionIdle);
        requirePositive("transactionIdle", transactionIdle);
        requirePositive("retainedMax", retainedMax);
        requirePositive("retainedMaxBytes", retainedMaxBytes);
        requirePositive("retainedTotalMaxBytes", retainedTotalMaxBytes);
        requirePositive("sessionsMax", sessionsMax);
        requirePositive("transactionsMax", transactionsMax);
    }

    /** 10 minutes, 5 minutes, 4,096 answers, 8 MiB, a quarter of the heap, 65,536 sessions, 1,000,000 transactions. */
    public static TsdStoreConfig defaults() {
        return DEFAULTS;
    }

    /** The same with other idle limits. */
    public TsdStoreConfig withIdle(Duration session, Duration transaction) {
        return new TsdStoreConfig(
                session,
                transaction,
                retainedMax,
                retainedMaxBytes,
                retainedTotalMaxBytes,
                sessionsMax,
                transactionsMax);
    }

    private static void requirePositive(String name, Duration value) {
        requirePositive(name, value.toNanos());
    }

    private static void requirePositive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be more than zero, was " + value);
        }
    }
}
