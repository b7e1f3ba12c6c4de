package io.lockstep.wire;

import org.jspecify.annotations.Nullable;

/**
 * Names one entry of the forward log for ever: the term that ordered it and its position.
 *
 * <p>A session is named by the identity of its opening entry. Before that entry exists a client names itself by {@link
 * #provisional}: term 0 is no reign, so the two can never be confused.
 *
 * @param term reign that ordered the entry, 1 or more; 0 for {@link #NONE} and provisional names
 * @param position place in the forward log, 1 or more; for a provisional name the client's nonce
 */
public record Identity(long term, long position) implements Comparable<Identity> {
    /** No entry: the place before the first one. */
    public static final Identity NONE = new Identity(0, 0);

    /** The name of a session whose opening entry is not known yet. */
    public static Identity provisional(long nonce) {
        return new Identity(0, nonce);
    }

    /** Whether this is a client's own name for a session that is still being opened. */
    public boolean isProvisional() {
        return term == 0 && position != 0;
    }

    @Override
    public int compareTo(Identity other) {
        int byTerm = Long.compare(term, other.term);
        return byTerm != 0 ? byTerm : Long.compare(position, other.position);
    }

    // Written out because names are looked up for every message; what the compiler makes of a record is slower.
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Identity that && term == that.term && position == that.position;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(position * 0x9E3779B97F4A7C15L + term);
    }

    @Override
    public String toString() {
        return term + "." + position;
    }
}
