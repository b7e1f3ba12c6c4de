package io.lockstep.membership;

import io.lockstep.wire.Peer;

/**
 * Where one run of one process can be reached.
 *
 * @param name configured name, unique in the cluster
 * @param role what it is
 * @param incarnation which run of it
 * @param pid of its JVM; 0 if unknown
 * @param peerHost address for the other processes
 * @param peerPort 1 to 65535
 * @param clientPort 1 to 65535; 0 when clients do not connect to it
 */
public record Endpoint(
        String name, Peer.Role role, long incarnation, long pid, String peerHost, int peerPort, int clientPort) {
    public Endpoint {
        Checks.name("name", name);
        if (peerHost.isBlank() || peerHost.length() > 255) {
            throw new IllegalArgumentException("peerHost of " + name + " must have 1 to 255 characters");
        }
        Checks.port("peerPort of " + name, peerPort, 1);
        Checks.port("clientPort of " + name, clientPort, 0);
    }

    /** The same process in another run. */
    public Endpoint withIncarnation(long next) {
        return new Endpoint(name, role, next, pid, peerHost, peerPort, clientPort);
    }
}
