package io.lockstep.membership;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Settings of one process about the others; checked when built.
 *
 * @param cluster name of the logical database, equal in all its processes
 * @param self this process's name
 * @param voters names of those who hold the view register: an odd number, 1 to 9; none where ZooKeeper holds it
 * @param memberHost address to which the member directory binds; a loopback or private one, since it has no authentication
 * @param memberPort port of the member directory, 1 to 65535
 * @param memberAddresses {@code host:port} of the directories of all processes that may be there; no others are taken
 * @param failureDetection silence after which an active gives up a backup; a backup gives up its active after half as
 *     long again; 50 ms to 60 s
 */
public record MembershipConfig(
        String cluster,
        String self,
        List<String> voters,
        String memberHost,
        int memberPort,
        List<String> memberAddresses,
        Duration failureDetection) {
    public static final Duration FAILURE_DETECTION_DEFAULT = Duration.ofMillis(500);

    private static final int VOTERS_MAX = 9;
    private static final Duration FAILURE_DETECTION_MIN = Duration.ofMillis(50);
    private static final Duration FAILURE_DETECTION_MAX = Duration.ofSeconds(60);

    public MembershipConfig {
        voters = List.copyOf(voters);
        memberAddresses = List.copyOf(memberAddresses);
        Checks.name("cluster", cluster);
        Checks.name("self", self);
        checkVoters(voters);
        if (memberHost.isBlank() || memberHost.equals("0.0.0.0") || memberHost.equals("::")) {
            throw new IllegalArgumentException("member host '" + memberHost
                    + "' must be one address of this machine: the member directory has no authentication, so it must not"
                    + " listen on all interfaces");
        }
        Checks.port("member port", memberPort, 1);
        checkAddresses(memberAddresses);
        troubleWithHosts(voters, memberAddresses).ifPresent(trouble -> {
            throw new IllegalArgumentException(trouble);
        });
        if (failureDetection.compareTo(FAILURE_DETECTION_MIN) < 0
                || failureDetection.compareTo(FAILURE_DETECTION_MAX) > 0) {
            throw new IllegalArgumentException("failure-detection is " + failureDetection.toMillis() + " ms, must be "
                    + FAILURE_DETECTION_MIN.toMillis() + " to " + FAILURE_DETECTION_MAX.toMillis() + " ms");
        }
    }

    /** Whether this process holds the register. */
    public boolean isVoter() {
        return voters.contains(self);
    }

    /**
     * Why these voters cannot have a host each (rule R13): two on one host die together, and with them a majority. Loopback
     * is excepted, since who uses it tries something out.
     *
     * @param addresses {@code host:port} of all processes
     * @return empty when they can
     */
    public static Optional<String> troubleWithHosts(List<String> voters, List<String> addresses) {
        Set<String> hosts = new TreeSet<>();
        for (String address : addresses) {
            String host = address.substring(0, Math.max(0, address.lastIndexOf(':')));
            if (host.startsWith("127.") || host.equalsIgnoreCase("localhost") || host.equals("[::1]")) {
                return Optional.empty();
            }
            hosts.add(host.toLowerCase(Locale.ROOT));
        }
        return voters.size() <= hosts.size()
                ? Optional.empty()
                : Optional.of("voters " + voters + " are " + voters.size() + ", but all processes together have "
                        + hosts.size() + " hosts " + hosts
                        + "; at most one voter may be on a host: name fewer voters, or start one on a further host");
    }

    private static void checkVoters(List<String> voters) {
        if (voters.isEmpty()) {
            return;
        }
        if (voters.size() % 2 == 0 || voters.size() > VOTERS_MAX) {
            throw new IllegalArgumentException("voters " + voters + " are " + voters.size()
                    + ", must be an odd number from 1 to " + VOTERS_MAX
                    + ": with an even number one more of them must live for the same safety");
        }
        Set<String> seen = new HashSet<>();
        for (String voter : voters) {
            Checks.name("voter", voter);
            if (!seen.add(voter)) {
                throw new IllegalArgumentException("voter '" + voter + "' is named twice in " + voters);
            }
        }
    }

    private static void checkAddresses(List<String> addresses) {
        if (addresses.isEmpty()) {
            throw new IllegalArgumentException("member addresses are missing: name host:port of each process");
        }
        Set<String> seen = new HashSet<>();
        for (String address : addresses) {
            int colon = address.lastIndexOf(':');
            if (colon <= 0 || !address.substring(colon + 1).matches("[0-9]{1,5}")) {
                throw new IllegalArgumentException("member address '" + address + "' must be host:port");
            }
            Checks.port("port of member address '" + address + "'", Integer.parseInt(address.substring(colon + 1)), 1);
            if (!seen.add(address)) {
                throw new IllegalArgumentException("member address '" + address + "' is named twice");
            }
        }
    }
}
