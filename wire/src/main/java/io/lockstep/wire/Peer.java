package io.lockstep.wire;

/**
 * Who is at the other end of a connection, as its greeting said.
 *
 * @param name configured name; for a client a label of its own choice
 * @param role what it is
 * @param incarnation which run of it
 */
public record Peer(String name, Role role, long incarnation) {
    /** What a process is to the others; the order is the code on the wire. */
    public enum Role {
        CLIENT,
        DISTRIBUTOR,
        NODE,
        ARBITER,
        ADMIN
    }

    @Override
    public String toString() {
        return role.name().toLowerCase(java.util.Locale.ROOT) + " " + name + "/" + Long.toHexString(incarnation);
    }
}
