package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.log;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Frame;
import io.lockstep.wire.FrameReader;
import io.lockstep.wire.FrameWriter;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Limits;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that take their answers a byte a second, or never say that they have them: the others are served (I9). */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class SlowClientIT {
    private static final String SLOW = "slow";
    private static final int RECEIVE_BUFFER_BYTES = 4_096;
    private static final int SLOW_CLIENTS = 3;
    /** So many that what each may leave waiting, 32 MiB, is several times the memory of a process, all together. */
    private static final int MANY_SLOW_CLIENTS = 32;

    private static final int ANSWER_BYTES = 500_000;
    /** More than the distributor keeps for a client, and than its system's buffers hold. */
    private static final int ANSWERS_EACH = 80;

    private static final int LONG_ANSWER_BYTES = 1_000_000;
    /** So many of these are more than what nodes retain for a session, 8 MiB. */
    private static final int RETAINED_MAX = 9;

    @TempDir
    private static Path folder;

    private static TestCluster cluster;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "poison").withSettings(Map.of("session-grace", "500ms")));
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @Test
    void row69ClientsThatReadAByteASecondAreDisconnectedAndTheOthersAreServed() throws Exception {
        long term = cluster.allInSync().term();
        ChildProcess distributor = cluster.processes().distributors().get(0);
        int closedBefore = log(distributor).split("its client has been gone", -1).length;
        List<SlowClient> slow = new ArrayList<>();
        try (LockstepClient client = cluster.client("quick")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            for (int i = 0; i < SLOW_CLIENTS; i++) {
                slow.add(new SlowClient(distributor.address(), i + 1));
            }
            // A client asks again for what was answered with BUSY.
            await().atMost(LIMIT).pollInterval(Duration.ofSeconds(1)).untilAsserted(() -> {
                for (SlowClient each : slow) {
                    each.askForMuch();
                    each.readAByte();
                }
                assertThat(text(transaction.send(bytes("add 0")))).isEqualTo("1");
                assertThat(log(distributor).split("its client has been gone", -1).length)
                        .as("a session that was closed each")
                        .isGreaterThanOrEqualTo(closedBefore + SLOW_CLIENTS);
            });
            for (SlowClient each : slow) {
                assertThat(each.readToTheEnd()).isLessThan((long) ANSWERS_EACH * ANSWER_BYTES);
            }
            nothingHasHappenedTo(distributor, term, transaction, client);
        } finally {
            for (SlowClient each : slow) {
                each.close();
            }
        }
    }

    private static void nothingHasHappenedTo(
            ChildProcess distributor, long term, LockstepTransaction open, LockstepClient client) {
        assertThat(cluster.fallen()).isEmpty();
        assertThat(distributor.isAlive()).isTrue();
        assertThat(cluster.allInSync().term()).isEqualTo(term);
        assertThat(text(open.end(bytes("add 1")))).isEqualTo("2");
        cluster.equalEverywhere(client);
    }

    @Test
    void row69ManyOfThemTogetherEndNeitherTheActiveNorTheDistributorAndTheOthersAreServed() throws Exception {
        long term = cluster.allInSync().term();
        ChildProcess distributor = cluster.processes().distributors().get(0);
        List<SlowClient> slow = new ArrayList<>();
        try (LockstepClient client = cluster.client("quick")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            for (int i = 0; i < MANY_SLOW_CLIENTS; i++) {
                slow.add(new SlowClient(distributor.address(), 1_000 + i));
            }
            // A client asks again for what was answered with BUSY.
            await().atMost(LIMIT).pollInterval(Duration.ofSeconds(1)).untilAsserted(() -> {
                for (SlowClient each : slow) {
                    each.askForMuch();
                    each.readAByte();
                }
                assertThat(text(transaction.send(bytes("add 0")))).isEqualTo("1");
                assertThat(cluster.fallen()).isEmpty();
                assertThat(slow).allSatisfy(each -> assertThat(each.isClosed).isTrue());
            });
            nothingHasHappenedTo(distributor, term, transaction, client);
        } finally {
            for (SlowClient each : slow) {
                each.close();
            }
        }
    }

    @Test
    void row64AClientThatNeverAcknowledgesIsRefusedAtItsLimitAndTheOthersAreServed() throws Exception {
        long term = cluster.allInSync().term();
        Peer self = new Peer("forgetful", Peer.Role.CLIENT, 77);
        try (LockstepClient client = cluster.client("bystander");
                WireClient wire =
                        new WireClient(cluster.processes().clientAddresses().get(0), self)) {
            Identity session = wire.open(77);
            List<AnswerCode> codes = new ArrayList<>();
            for (int id = 1; id <= RETAINED_MAX + 2; id++) {
                byte[] body = bytes("long " + LONG_ANSWER_BYTES);
                codes.add(wire.ask(WireClient.request(session, id, RequestKind.BEGIN, 0, id - 1, body))
                        .code());
                if (codes.get(id - 1) != AnswerCode.OK) {
                    break;
                }
            }

            assertThat(codes).hasSizeLessThanOrEqualTo(RETAINED_MAX + 1).endsWith(AnswerCode.BUSY);
            assertThat(codes.subList(0, codes.size() - 1)).containsOnly(AnswerCode.OK);
            assertThat(text(client.begin(bytes("add 1")).end(bytes("add 1")))).isEqualTo("2");
            assertThat(cluster.allInSync().term()).isEqualTo(term);
            cluster.equalEverywhere(client);
        }
        assertThat(cluster.fallen()).isEmpty();
    }

    /** A client's bytes on a socket of its own, since whatever we ship reads as fast as it can. */
    private static final class SlowClient implements AutoCloseable {
        private final Socket socket = new Socket();
        private final FrameWriter writer;
        private final Identity session;
        private long read;
        /** Whether the other side has ended the connection, as far as was noticed. */
        private boolean isClosed;

        SlowClient(InetSocketAddress address, long number) throws Exception {
            writer = new FrameWriter("lockstep", number, Limits.FRAME_MAX_BYTES_DEFAULT);
            socket.setReceiveBufferSize(RECEIVE_BUFFER_BYTES);
            socket.setSoTimeout((int) LIMIT.toMillis());
            socket.connect(address, (int) LIMIT.toMillis());
            write(new Frame.Hello(0, new Peer(SLOW, Peer.Role.CLIENT, number)));
            write(new Frame.Ask(
                    0, WireClient.request(Identity.provisional(number), 0, RequestKind.OPEN, 0, 0, new byte[0])));
            session = awaitAnswer();
        }

        void askForMuch() throws IOException {
            try {
                for (int id = 1; id <= ANSWERS_EACH && !isClosed; id++) {
                    byte[] body = bytes("long " + ANSWER_BYTES);
                    Request request = WireClient.request(session, id, RequestKind.READ, 0, 0, body);
                    write(new Frame.Ask(0, request));
                }
            } catch (SocketException ended) {
                assertThat(ended.getMessage()).containsAnyOf("reset", "Broken pipe");
                isClosed = true;
            }
        }

        void readAByte() throws IOException {
            try {
                if (!isClosed
                        && socket.getInputStream().available() > 0
                        && socket.getInputStream().read() >= 0) {
                    read++;
                }
            } catch (SocketException reset) {
                assertThat(reset).hasMessageContaining("reset");
                isClosed = true;
            }
        }

        /** @return bytes that came in all */
        long readToTheEnd() throws IOException {
            byte[] buffer = new byte[64 << 10];
            try {
                for (int count = 0; count >= 0; count = socket.getInputStream().read(buffer)) {
                    read += count;
                }
            } catch (SocketException reset) {
                assertThat(reset).hasMessageContaining("reset");
            }
            return read;
        }

        private Identity awaitAnswer() throws Exception {
            FrameReader reader = new FrameReader("lockstep", Limits.FRAME_MAX_BYTES_DEFAULT);
            ByteBuf in = Unpooled.buffer();
            while (true) {
                Frame frame = reader.read(in);
                if (frame instanceof Frame.Reply reply) {
                    return reply.answer().entry();
                }
                if (frame == null) {
                    int next = socket.getInputStream().read();
                    assertThat(next).as("the end of the connection").isNotNegative();
                    in.writeByte(next);
                }
            }
        }

        private void write(Frame frame) throws IOException {
            ByteBuf out = Unpooled.buffer();
            writer.write(frame, out);
            socket.getOutputStream().write(ByteBufUtil.getBytes(out));
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
