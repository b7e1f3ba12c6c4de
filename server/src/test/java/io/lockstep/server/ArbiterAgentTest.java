package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.Endpoint;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.membership.StaticMembers;
import io.lockstep.wire.Ballot;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An arbiter calls every node, votes on that connection, and tells whoever calls it how it is. */
@Timeout(60)
final class ArbiterAgentTest {
    private static final Peer SELF = new Peer("arbiter-1", Peer.Role.ARBITER, 7);
    private static final Peer NODE = new Peer("node-1", Peer.Role.NODE, 8);

    @TempDir
    private Path folder;

    private final Transport ours = new Transport(TransportConfig.defaults("test", SELF));
    private final Transport node = new Transport(TransportConfig.defaults("test", NODE));
    private final Seen atNode = new Seen();
    private final List<Throwable> failures = new ArrayList<>();
    private RegisterAgent register;
    private ArbiterAgent agent;
    private InetSocketAddress port;

    @BeforeEach
    void start() throws Exception {
        LockstepConfig config = LockstepConfig.parse("""
                cluster: test
                name: arbiter-1
                role: arbiter
                nodes: [node-1, node-2]
                voters: [node-1, node-2, arbiter-1]
                hazelcast-port: 25701
                hazelcast-members: ['127.0.0.1:25701']
                directory: %s
                """.formatted(folder), "arbiter.yaml");
        register = RegisterAgent.start("arbiter-1", config.registerFile(), () -> 99, failures::add);
        agent = new ArbiterAgent(config, SELF, ours, register, failures::add);
        port = ours.listen(new InetSocketAddress("127.0.0.1", 0), agent.listener());
        InetSocketAddress at = node.listen(new InetSocketAddress("127.0.0.1", 0), atNode);
        agent.start(
                port.getPort(),
                new StaticMembers(List.of(new Endpoint("node-1", Peer.Role.NODE, 8, 0, "127.0.0.1", at.getPort(), 0))));
    }

    @AfterEach
    void end() throws Exception {
        agent.close();
        register.close();
        ours.close();
        node.close();
        assertThat(failures).isEmpty();
    }

    @Test
    void votesOnTheConnectionThatItHasOpenedToANode() throws Exception {
        Connection opened = next(atNode.opened);
        assertThat(opened.peer()).isEqualTo(SELF);

        opened.send(new Frame.Prepare(0, new Ballot(3, 8)));

        Frame.Promise promise = (Frame.Promise) next(atNode.votes);
        assertThat(promise.diskId()).isEqualTo(99);
        assertThat(promise.voting()).isFalse();
        assertThat(register.record().promised()).isEqualTo(new Ballot(3, 8));
    }

    @Test
    void opensAConnectionAnewOnWhichANodeSaysNothing() throws Exception {
        atNode.isMute = true;
        next(atNode.opened);

        assertThat(next(atNode.closed)).contains("nothing heard from node node-1");
        assertThat(next(atNode.opened).isOpen()).isTrue();
    }

    @Test
    void keepsAConnectionOnWhichANodeAnswers() throws Exception {
        Connection opened = next(atNode.opened);
        for (int answered = 0; answered < 4; answered++) {
            next(atNode.asked); // more than the silence that it would not bear
        }
        assertThat(opened.isOpen()).isTrue();
        assertThat(atNode.closed).isEmpty();
    }

    @Test
    void tellsItsStatusToWhoeverCallsAndTakesNoVoteFromThere() throws Exception {
        try (AdminClient admin = new AdminClient("test")) {
            String json = admin.ask(port, AdminClient.STATUS, Duration.ofSeconds(20));
            assertThat(json).contains("\"AWAITING_ADMISSION\"", "\"diskId\":\"63\"", "\"arbiter-1\"");
        }
        Seen caller = new Seen();
        node.connect(port, Duration.ofSeconds(20), caller, failure -> failures.add(new AssertionError(failure.text())));

        next(caller.opened).send(new Frame.Prepare(0, new Ballot(3, 8)));

        assertThat(next(caller.closed)).contains("takes nothing else");
        assertThat(register.record().promised()).isEqualTo(Ballot.ZERO);
    }

    private static <T> T next(LinkedBlockingQueue<T> queue) throws InterruptedException {
        return Objects.requireNonNull(queue.poll(30, TimeUnit.SECONDS), "nothing came");
    }

    /** What one side's listener was told; answers questions for status unless it is mute. */
    private static final class Seen implements ConnectionListener {
        final LinkedBlockingQueue<Connection> opened = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<Frame> asked = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<Frame> votes = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<String> closed = new LinkedBlockingQueue<>();
        volatile boolean isMute;

        @Override
        public void onOpen(Connection connection) {
            opened.add(connection);
        }

        @Override
        public void onFrame(Connection connection, long incarnation, Frame frame) {
            if (!(frame instanceof Frame.StatusAsk)) {
                votes.add(frame);
            } else if (!isMute) {
                connection.send(new Frame.StatusReply(0, "{}"));
                asked.add(frame);
            }
        }

        @Override
        public void onClosed(Connection connection, String reason) {
            closed.add(reason);
        }
    }
}
