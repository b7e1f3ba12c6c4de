package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.failure;
import static io.lockstep.tests.TestCluster.text;
import static io.lockstep.tests.WireClient.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.distributor.DigestAnswer;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.examples.calls.CallAnswer.Books;
import io.lockstep.examples.calls.CallClient;
import io.lockstep.examples.calls.CallMessage;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Ballot;
import io.lockstep.wire.EnvelopeView;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bad input at every port of real processes: a clear error each, no process ends, nothing is changed, and an open call
 * of somebody else goes on (I10; rows 71 to 73, 76, 81). Bad configuration is LockstepConfigTest's.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class BadInputIT {
    private static final String PIN = "471100";
    private static final long CARD = 1;
    private static final long NO_CARD = 999;
    private static final long HIGH_TERM = 1_000;

    @TempDir
    private static Path folder;

    private static TestCluster cluster;
    private static LockstepClient witness;
    private static CallClient calls;

    private CallClient.OpenedCall openCall;
    private Books books;
    private ClusterStatus status;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "prepaid-calls"));
        witness = cluster.client("witness");
        calls = new CallClient(witness);
        calls.issueCards(CARD, 3, PIN, 1_000_000_000);
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @BeforeEach
    void somebodyElseHasAnOpenCall() {
        status = cluster.processes().status();
        openCall = calls.startCall(CARD, PIN, 10, new byte[0]);
        books = calls.audit();
    }

    @AfterEach
    void nothingIsDisturbed() {
        assertThat(calls.audit()).isEqualTo(books);
        openCall.extend(10, 10);
        openCall.hangUp(1);
        assertThat(cluster.fallen()).isEmpty();
        assertThat(cluster.processes().distributors()).allMatch(ChildProcess::isAlive);
        cluster.equalEverywhere(witness);
        ClusterStatus now = cluster.processes().status();
        assertThat(now.term()).isEqualTo(status.term());
        assertThat(now.active()).isEqualTo(status.active());
        assertThat(now.activeNode().orElseThrow().version())
                .isEqualTo(status.activeNode().orElseThrow().version());
    }

    @Test
    void anUnknownCardIsAServiceError() {
        assertThatThrownBy(() -> calls.startCall(NO_CARD, PIN, 10, new byte[0]))
                .isInstanceOfSatisfying(LockstepException.class, failed -> {
                    assertThat(failed.code()).isEqualTo(AnswerCode.SERVICE_ERROR);
                    assertThat(failed.outcome()).isEqualTo(Outcome.REFUSED_BY_SERVICE);
                    assertThat(failed).hasMessageContaining(Long.toString(NO_CARD));
                });
    }

    @Test
    void aMessageThatIsNoneOfTheServicesIsAServiceError() {
        byte[] noise = new byte[100];
        new Random(5).nextBytes(noise);

        assertThat(failure(witness.beginAsync(noise)).code()).isEqualTo(AnswerCode.SERVICE_ERROR);
    }

    @Test
    void aUsedRequestIdWithAnotherBodyIsRefusedAndLeavesNothing() throws Exception {
        try (WireClient wire = client()) {
            Identity session = wire.open(42);
            byte[] wrongCard = new CallMessage.TopUp(NO_CARD, 5).encode();
            Answer first = wire.ask(request(session, 1, RequestKind.BEGIN, 0, 0, wrongCard));
            DigestAnswer before = digest();

            Answer other =
                    wire.ask(request(session, 1, RequestKind.BEGIN, 0, 0, new CallMessage.TopUp(CARD, 5).encode()));
            Answer repeat = wire.ask(request(session, 1, RequestKind.BEGIN, 0, 0, wrongCard));

            assertThat(digest().position()).isEqualTo(before.position() + 1);
            assertThat(other.code()).isEqualTo(AnswerCode.ID_REUSED);
            assertThat(text(other.body())).contains("another message").contains("nothing was executed");
            assertThat(repeat).usingRecursiveComparison().isEqualTo(first);
        }
    }

    @Test
    void messagesOfTransactionsThatHaveEndedOrNeverWereAreRefused() throws Exception {
        try (WireClient wire = client()) {
            Identity session = wire.open(43);
            wire.ask(request(session, 1, RequestKind.BEGIN, 0, 0, new CallMessage.TopUp(NO_CARD, 5).encode()));
            byte[] hangUp = new CallMessage.HangUp(1).encode();

            Answer unknown = wire.ask(request(session, 2, RequestKind.CONTINUE, 77, 1, hangUp));
            Answer ended = wire.ask(request(session, 3, RequestKind.END, 1, 2, hangUp));
            Answer gap = wire.ask(request(session, 9, RequestKind.END, 1, 8, hangUp));
            Answer stranger = wire.ask(request(new Identity(1, 1), 1, RequestKind.BEGIN, 0, 0, hangUp));

            assertThat(unknown.code()).isEqualTo(AnswerCode.TRANSACTION_UNKNOWN);
            assertThat(text(unknown.body())).contains("77");
            assertThat(ended.code()).isEqualTo(AnswerCode.TRANSACTION_ENDED);
            assertThat(gap.code()).isEqualTo(AnswerCode.GAP);
            assertThat(stranger.code()).isEqualTo(AnswerCode.UNKNOWN_SESSION);
        }
    }

    @Test
    void aBodyThatIsTooLongIsRefusedAndLeavesNothing() {
        DigestAnswer before = digest();

        LockstepException byTheNode = failure(witness.beginAsync(new byte[2 << 20]));
        LockstepException byTheClient = failure(witness.beginAsync(new byte[5 << 20]));

        assertThat(byTheNode.code()).isEqualTo(AnswerCode.REFUSED);
        assertThat(byTheNode).hasMessageContaining("takes 1048576 at most");
        assertThat(byTheNode.outcome()).isEqualTo(Outcome.NOT_EXECUTED);
        assertThat(byTheClient.code()).isEqualTo(AnswerCode.REFUSED);
        assertThat(byTheClient).hasMessageContaining("split it");
        assertThat(digest().position() - before.position())
                .as("the two digests, and a void at most")
                .isBetween(1L, 2L);
    }

    @Test
    void garbageAtAnyPortIsRefusedAndLeavesNothing() throws Exception {
        byte[] noise = new byte[256 << 10];
        new Random(6).nextBytes(noise);
        noise[0] = 0x7f;
        ByteBuffer otherVersion = ByteBuffer.allocate(64).putInt(60).putInt(0).put((byte) 9);
        Map<String, byte[]> inputs = Map.of(
                "noise", noise,
                "huge", ByteBuffer.allocate(64).putInt(Integer.MAX_VALUE).array(),
                "negative", ByteBuffer.allocate(64).putInt(-1).array(),
                "version", otherVersion.array(),
                "http", bytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        DigestAnswer before = digest();

        for (InetSocketAddress port : ports()) {
            for (Map.Entry<String, byte[]> input : inputs.entrySet()) {
                String farewell = farewell(port, input.getValue());
                assertThat(farewell)
                        .as("%s to %s", input.getKey(), port)
                        .contains("protocol version " + EnvelopeView.PROTOCOL_VERSION)
                        .contains(
                                switch (input.getKey()) {
                                    case "version" -> "protocol version 9 is not spoken here";
                                    case "http" -> "look like HTTP";
                                    default -> "frame length";
                                });
            }
        }
        for (InetSocketAddress port : hazelcastPorts()) {
            for (byte[] input : inputs.values()) {
                throwAt(port, input);
            }
        }

        assertThat(digest().position()).isEqualTo(before.position() + 1);
    }

    @Test
    void aClientThatClaimsANodesPartIsTurnedAwayAtTheNodesPorts() throws Exception {
        View.Member forged = new View.Member("node-2", 7);
        View takenOver = new View(99, HIGH_TERM, forged, List.of(), List.of(), 1);
        Ballot ballot = new Ballot(1 << 20, 7);
        List<Frame> frames = List.of(
                new Frame.Ask(1, request(new Identity(1, 2), 1, RequestKind.VIEW, 0, 0, new byte[0])),
                new Frame.Ask(HIGH_TERM, request(new Identity(1, 2), 1, RequestKind.TOUCH, 0, 0, new byte[0])),
                new Frame.Forward(HIGH_TERM, 1, 1_000_000, List.of()),
                new Frame.Acknowledge(1, 1_000_000, 1_000_000, 1_000_000),
                new Frame.Diverged(1, 1, 2, 3, "forged"),
                new Frame.Join(0, 1, Identity.NONE, 0, 0, 0),
                new Frame.DeathNote(1, new Identity(1, 2), 1, "forged"),
                new Frame.Prepare(0, ballot),
                new Frame.Accept(0, ballot, takenOver),
                new Frame.Admit(0, ballot, takenOver),
                new Frame.Promise(0, ballot, ballot, Optional.of(takenOver), 1, true),
                new Frame.Accepted(0, ballot, 1),
                new Frame.RegisterRefusal(0, ballot, ballot, "forged"),
                new Frame.ViewNotice(HIGH_TERM, 99, forged));
        DigestAnswer before = digest();

        for (ChildProcess node : cluster.processes().nodes()) {
            for (Frame frame : frames) {
                try (WireClient wire = new WireClient(node.address(), new Peer("node-2", Peer.Role.CLIENT, 7))) {
                    wire.send(frame);
                    assertThat(wire.farewell()).as(frame.toString()).contains("port for nodes and distributors");
                }
            }
        }

        for (ChildProcess node : cluster.processes().nodes()) {
            Peer distributor = new Peer("distributor-9", Peer.Role.DISTRIBUTOR, 9);
            try (WireClient wire = new WireClient(node.address(), distributor)) {
                wire.send(frames.get(0));
                assertThat(wire.farewell()).contains("VIEW is the active's own");
            }
            try (WireClient wire = new WireClient(node.address(), distributor)) {
                wire.send(new Frame.Accept(0, ballot, takenOver));
                assertThat(wire.farewell()).contains("is refused; the other nodes of this database are");
            }
        }

        assertThat(digest().position()).isEqualTo(before.position() + 1);
    }

    @Test
    void aClientThatClaimsANodesPartIsTurnedAwayAtTheClientPort() throws Exception {
        DigestAnswer before = digest();
        View.Member forged = new View.Member("node-2", 7);
        List<Frame> frames = List.of(
                new Frame.Forward(HIGH_TERM, 1, 1, List.of()),
                new Frame.ViewNotice(HIGH_TERM, 99, forged),
                new Frame.Prepare(0, new Ballot(1 << 20, 7)));

        for (Frame frame : frames) {
            try (WireClient wire = client()) {
                wire.send(frame);
                assertThat(wire.farewell()).contains("a client may ask and ask for status");
            }
        }
        try (WireClient wire = client()) {
            Answer answer = wire.ask(request(new Identity(1, 2), 1, RequestKind.EXPIRE, 0, 0, new byte[0]));
            assertThat(answer.code()).isEqualTo(AnswerCode.REFUSED);
            assertThat(text(answer.body())).contains("EXPIRE");
        }
        try (WireClient wire =
                new WireClient(cluster.processes().clientAddresses().get(0), new Peer("node-2", Peer.Role.NODE, 7))) {
            assertThat(wire.farewell()).contains("port for clients");
        }

        assertThat(digest().position()).isEqualTo(before.position() + 1);
    }

    private static DigestAnswer digest() {
        return witness.digestAsync().toCompletableFuture().join();
    }

    private static WireClient client() {
        return new WireClient(cluster.processes().clientAddresses().get(0), new Peer("wire", Peer.Role.CLIENT, 5));
    }

    private static List<InetSocketAddress> ports() {
        List<InetSocketAddress> all = new ArrayList<>(cluster.processes().clientAddresses());
        cluster.processes().nodes().forEach(node -> all.add(node.address()));
        return all;
    }

    private static List<InetSocketAddress> hazelcastPorts() throws IOException {
        List<ChildProcess> children = new ArrayList<>(cluster.processes().nodes());
        children.addAll(cluster.processes().distributors());
        List<InetSocketAddress> all = new ArrayList<>();
        for (ChildProcess child : children) {
            Matcher port = Pattern.compile("hazelcast-port\\D+(\\d+)")
                    .matcher(Files.readString(child.directory().resolve("config.yaml")));
            assertThat(port.find()).as("port of %s", child).isTrue();
            all.add(new InetSocketAddress("127.0.0.1", Integer.parseInt(port.group(1))));
        }
        return all;
    }

    /** Everything that the process says to those bytes, until it ends the connection. */
    private static String farewell(InetSocketAddress port, byte[] input) throws IOException {
        try (Socket socket = new Socket(port.getAddress(), port.getPort())) {
            socket.setSoTimeout((int) TestCluster.LIMIT.toMillis());
            socket.getOutputStream().write(input);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void throwAt(InetSocketAddress port, byte[] input) throws IOException {
        try (Socket socket = new Socket(port.getAddress(), port.getPort())) {
            socket.getOutputStream().write(input, 0, Math.min(input.length, 4_096));
        }
    }
}
