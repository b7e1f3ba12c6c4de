package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** More connections than a real process takes, or has file descriptors for: those inside are served (I9; rows 68, 70, 86). */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class FloodIT {
    private static final int CONNECTIONS_MAX = 40;
    private static final int FLOOD = 300;
    /** Connections that the process has file descriptors for beyond those that it has. */
    private static final int SPARE_DESCRIPTORS = 10;

    private static final int READ_LIMIT_MS = 60_000;

    @TempDir
    private static Path folder;

    private static TestCluster cluster;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "poison")
                .withSettings(Map.of("connections-max", Integer.toString(CONNECTIONS_MAX))));
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @Test
    void row68And70WhoFloodsAPortOrSaysNothingIsDisconnectedAndThoseInsideGoOn() throws IOException {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("inside")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            List<InetSocketAddress> ports = new ArrayList<>(cluster.processes().clientAddresses());
            cluster.processes().nodes().forEach(node -> ports.add(node.address()));
            long sum = 1;
            for (InetSocketAddress port : ports) {
                List<Socket> flood = flood(port, FLOOD);
                try {
                    assertThat(text(transaction.send(bytes("add 1")))).isEqualTo(Long.toString(++sum));
                    for (Socket socket : flood) {
                        awaitEnd(socket);
                    }
                    assertThat(text(transaction.send(bytes("add 1")))).isEqualTo(Long.toString(++sum));
                } finally {
                    closeAll(flood);
                }
            }
            assertThat(cluster.fallen()).isEmpty();
            assertThat(cluster.allInSync().term()).isEqualTo(term);
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void row86AProcessWithoutFileDescriptorsServesThoseInsideAndTakesOthersWhenItHasSomeAgain() throws Exception {
        cluster.allInSync();
        ChildProcess distributor = cluster.processes().distributors().get(0);
        try (LockstepClient client = cluster.client("inside")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            limitDescriptors(distributor, Long.toString(descriptors(distributor) + SPARE_DESCRIPTORS));
            List<Socket> flood = flood(distributor.address(), 3 * SPARE_DESCRIPTORS);
            try {
                for (int sum = 2; sum <= 20; sum++) {
                    assertThat(text(transaction.send(bytes("add 1")))).isEqualTo(Integer.toString(sum));
                }
            } finally {
                closeAll(flood);
            }
            try (LockstepClient other = cluster.client("afterwards")) {
                assertThat(text(other.begin(bytes("add 7")).end(bytes("add 1"))))
                        .isEqualTo("8");
            }
            limitDescriptors(distributor, "4096");
            assertThat(distributor.isAlive()).isTrue();
            await().atMost(LIMIT).untilAsserted(() -> assertThat(text(transaction.send(bytes("add 0"))))
                    .isEqualTo("20"));
            cluster.equalEverywhere(client);
        }
    }

    private static List<Socket> flood(InetSocketAddress address, int count) throws IOException {
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Socket socket = new Socket();
            sockets.add(socket);
            socket.connect(address, READ_LIMIT_MS);
        }
        return sockets;
    }

    /** Nothing was said on it, so the other side ends it: at once, when there are too many, or when its time is over. */
    private static void awaitEnd(Socket socket) throws IOException {
        socket.setSoTimeout(READ_LIMIT_MS);
        try {
            InputStream said = socket.getInputStream();
            byte[] buffer = new byte[1024];
            while (said.read(buffer) >= 0) {
                assertThat(socket.isConnected()).isTrue();
            }
        } catch (SocketException reset) {
            assertThat(reset).hasMessageContaining("reset");
        }
    }

    private static void closeAll(List<Socket> sockets) throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    private static long descriptors(ChildProcess child) throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(child.pid()), "fd"))) {
            return open.count();
        }
    }

    private static void limitDescriptors(ChildProcess child, String most) throws Exception {
        Process prlimit = new ProcessBuilder("prlimit", "--pid", Long.toString(child.pid()), "--nofile=" + most + ":")
                .inheritIO()
                .start();
        assertThat(prlimit.waitFor()).isZero();
    }
}
