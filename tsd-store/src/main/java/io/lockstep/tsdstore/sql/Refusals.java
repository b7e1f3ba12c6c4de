package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlOutcome;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.h2.api.ErrorCode;

/**
 * How many statements a node was asked for since it began, and how many of them were refused for which reason. Safe from
 * any thread, because it is made of adders. It is no part of the state: a copy does not have it.
 */
public final class Refusals {
    /** Reasons counted one by one; what comes after is {@link #OTHERS}. */
    private static final int REASONS_MAX = 32;

    private static final int REASON_CHARACTERS_MAX = 160;
    static final String OTHERS = "other reasons";
    private static final String UNSUPPORTED = "Feature not supported: ";

    /** What H2 says of what it does not have, and of what only its administrator may. */
    private static final Set<Integer> CODES =
            Set.of(ErrorCode.FEATURE_NOT_SUPPORTED_1, ErrorCode.ADMIN_RIGHTS_REQUIRED);

    private final LongAdder asked = new LongAdder();
    private final Map<String, LongAdder> refused = new ConcurrentHashMap<>();

    /**
     * The counts at one moment.
     *
     * @param statements asked for, refused ones included
     * @param reasons how many were refused for each; in alphabetical order
     */
    public record Counted(long statements, Map<String, Long> reasons) {
        public Counted {
            reasons = Collections.unmodifiableMap(new TreeMap<>(reasons));
        }

        /** All that were refused. */
        public long refused() {
            return reasons.values().stream().mapToLong(Long::longValue).sum();
        }
    }

    /** Whether a failure says that Lockstep, or H2 for a client, does not do such a thing, however it is written. */
    static boolean isRefusal(SqlOutcome.Failed failed) {
        return CODES.contains(failed.code());
    }

    /** The reason within a failure that is a refusal. */
    static String reasonOf(SqlOutcome.Failed failed) {
        String text = failed.message();
        // A text of H2's that is told in quotes.
        String reason = text.startsWith(UNSUPPORTED) ? text.substring(UNSUPPORTED.length()) : text;
        return reason.length() > 1 && reason.startsWith("\"") && reason.endsWith("\"")
                ? reason.substring(1, reason.length() - 1).replace("\"\"", "\"")
                : reason;
    }

    void asked() {
        asked.increment();
    }

    void refused(SqlOutcome.Failed failed) {
        String reason = reasonOf(failed);
        String shortened =
                reason.length() > REASON_CHARACTERS_MAX ? reason.substring(0, REASON_CHARACTERS_MAX) : reason;
        String counted = refused.containsKey(shortened) || refused.size() < REASONS_MAX ? shortened : OTHERS;
        refused.computeIfAbsent(counted, none -> new LongAdder()).increment();
    }

    /** What was counted so far. */
    public Counted counted() {
        Map<String, Long> reasons = new TreeMap<>();
        refused.forEach((reason, count) -> reasons.put(reason, count.sum()));
        return new Counted(asked.sum(), reasons);
    }
}
