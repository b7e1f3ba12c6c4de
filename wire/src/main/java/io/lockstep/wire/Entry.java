package io.lockstep.wire;

/**
 * One place in the forward log: header, message and outcome. Immutable; the body must not be changed by anyone.
 *
 * @param header what makes executions equal
 * @param body the message
 * @param decision what the active decided
 * @param outcome digest of what the active's execution gave: answer, transaction state, effects
 * @param chain digest over this entry and the chain of the one before it
 */
public record Entry(ControlHeader header, byte[] body, Decision decision, long outcome, long chain) {
    /** Length of header, decision, outcome, chain and body length on the wire, in bytes. */
    public static final int OVERHEAD_BYTES = ControlHeader.BYTES + 1 + 8 + 8 + 4;

    /** The entry's name. */
    public Identity identity() {
        return header.identity();
    }

    /** Place in the forward log. */
    public long position() {
        return header.position();
    }

    /** Length on the wire, in bytes. */
    public int bytes() {
        return OVERHEAD_BYTES + body.length;
    }

    @Override
    public String toString() {
        return header.kind() + "@" + identity();
    }
}
