package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.instance.EndpointQualifier;
import com.hazelcast.instance.impl.HazelcastInstanceProxy;
import com.hazelcast.internal.nio.Connection;
import com.hazelcast.internal.server.ServerConnectionManager;
import io.lockstep.wire.Peer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HazelcastMembersTest extends MembersContract {
    private static final Endpoint N2 = new Endpoint("n2", Peer.Role.NODE, 5, 102, "127.0.0.1", 7502, 0);

    private final List<HazelcastMembers> started = new ArrayList<>();

    @AfterEach
    void close() {
        started.forEach(HazelcastMembers::close);
    }

    @Override
    Members alone() throws Exception {
        return start(N1, List.of(freePort())).get(0);
    }

    /** As many members as ports, all but the first named after it with a number: n1, n2. */
    private List<HazelcastMembers> start(Endpoint self, List<Integer> ports) throws Exception {
        List<String> addresses = ports.stream().map(port -> "127.0.0.1:" + port).toList();
        HazelcastMembers members = HazelcastMembers.start(
                new MembershipConfig(
                        "test",
                        self.name(),
                        List.of("n1"),
                        "127.0.0.1",
                        ports.get(0),
                        addresses,
                        MembershipConfig.FAILURE_DETECTION_DEFAULT),
                self);
        started.add(members);
        members.whenReady().toCompletableFuture().get(40, TimeUnit.SECONDS);
        return List.of(members);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void twoFindEachOtherAndMissEachOther() throws Exception {
        int first = freePort();
        int second = freePort();
        Members n1 = start(N1, List.of(first, second)).get(0);
        Notes notes = new Notes();
        n1.listen(notes);
        assertThat(notes.next()).isEqualTo("appeared n1 -3");
        Members n2 = start(N2, List.of(second, first)).get(0);
        assertThat(notes.next()).isEqualTo("appeared n2 5");
        assertThat(n1.all()).isEqualTo(List.of(N1, N2));
        Notes other = new Notes();
        n2.listen(other);
        assertThat(List.of(other.next(), other.next())).contains("appeared n2 5");
        n2.publish(N2.withIncarnation(6));
        assertThat(notes.next()).isEqualTo("changed n2 5 6");
        n2.publishStatus("n2", "{}");
        n2.close();
        assertThat(notes.next()).isEqualTo("gone n2");
        assertThat(n1.find("n2")).isEmpty();
        assertThat(n1.statuses()).isEmpty();
    }

    /** Hazelcast makes a request that went down with its connection again only when a member left. */
    @Test
    @Timeout(240)
    void aRequestThatWentDownWithItsConnectionHoldsUpNoStatusForLong() throws Exception {
        int first = freePort();
        int second = freePort();
        HazelcastMembers n1 = start(N1, List.of(first, second)).get(0);
        HazelcastMembers n2 = start(N2, List.of(second, first)).get(0);
        long longestMs = 0;
        for (int cut = 1; cut <= 12; cut++) {
            String told = "{\"cut\":" + cut + "}";
            long cutNs = System.nanoTime();
            n2.publishStatus("n2", told);
            for (Connection connection : connections(second)) {
                connection.close("cut by a test", null);
            }
            while (!told.equals(n1.statuses().get("n2"))) {
                n2.publishStatus("n2", told);
                Thread.sleep(1);
            }
            longestMs = Math.max(longestMs, (System.nanoTime() - cutNs) / 1_000_000);
        }
        assertThat(longestMs).as("two minutes as Hazelcast has it").isLessThan(60_000);
    }

    private static Collection<Connection> connections(int port) {
        HazelcastInstance instance = Hazelcast.getHazelcastInstanceByName("lockstep-test-n2-" + port);
        ServerConnectionManager connections = ((HazelcastInstanceProxy) instance)
                .getOriginal()
                .node
                .getServer()
                .getConnectionManager(EndpointQualifier.MEMBER);
        return List.copyOf(connections.getConnections());
    }

    @Test
    void saysWhenItsPortIsTaken() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> start(N1, List.of(taken.getLocalPort())))
                    .hasMessageContaining(String.valueOf(taken.getLocalPort()));
        }
    }

    @Test
    void readsItsOwnTextAndNoOther() {
        assertThat(HazelcastMembers.decode(HazelcastMembers.encode(N1))).contains(N1);
        assertThat(HazelcastMembers.decode("")).isEmpty();
        assertThat(HazelcastMembers.decode("2\tn1")).isEmpty();
        assertThat(HazelcastMembers.decode("1\tn1\tKING\t1\t1\thost\t1\t1")).isEmpty();
        assertThat(HazelcastMembers.decode("1\tn1\tNODE\t1\t1\thost\t70000\t1")).isEmpty();
    }
}
