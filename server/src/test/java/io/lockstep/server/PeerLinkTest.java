package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.Endpoint;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import io.lockstep.wire.View;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One link over loopback sockets; the test's thread is the node agent. */
@Timeout(30)
class PeerLinkTest {
    private static final Peer US = new Peer("n1", Peer.Role.NODE, 0x11);
    private static final Peer OTHER = new Peer("n2", Peer.Role.NODE, 0x21);
    private static final Peer OTHER_ANEW = new Peer("n2", Peer.Role.NODE, 0x22);

    private final Transport ours = new Transport(TransportConfig.defaults("test", US));
    private final Transport theirs = new Transport(TransportConfig.defaults("test", OTHER));
    private final Transport theirsAnew = new Transport(TransportConfig.defaults("test", OTHER_ANEW));
    private final Seen atOther = new Seen();
    private final LinkedBlockingQueue<Runnable> agent = new LinkedBlockingQueue<>();
    private final List<Connection> opened = new ArrayList<>();
    private final List<Connection> lost = new ArrayList<>();
    private final List<Boolean> probes = new ArrayList<>();
    private final PeerLink link = new PeerLink("n2", ours, new Seen(), new PeerLink.Events() {
        @Override
        public void onAgent(Runnable task) {
            agent.add(task);
        }

        @Override
        public void onOpened(Connection connection) {
            opened.add(connection);
        }

        @Override
        public void onLost(Connection connection) {
            lost.add(connection);
        }

        @Override
        public void onProbed(String name, boolean isRefused) {
            probes.add(isRefused);
        }
    });

    @AfterEach
    void closeAll() {
        ours.close();
        theirs.close();
        theirsAnew.close();
    }

    @Test
    void aProbeLeavesAGoodConnectionAsItIs() throws Exception {
        link.at(endpoint(theirs, OTHER), 0);
        Connection first = connected();

        link.probe(1);
        runUntil(() -> probes.size() == 1);
        link.send(new Frame.ViewNotice(1, 1, self()));

        assertThat(probes).containsExactly(false);
        assertThat(link.connection()).isSameAs(first);
        assertThat(first.isOpen()).isTrue();
        assertThat(atOther.frames.poll(10, TimeUnit.SECONDS)).isNotNull();
        assertThat(atOther.closed.poll(10, TimeUnit.SECONDS)).contains("the older connection stays");
        assertThat(lost).isEmpty();
    }

    @Test
    void anotherRunOfTheNodeIsConnectedAtOnceAndTheFormerOneGivenUp() throws Exception {
        link.at(endpoint(theirs, OTHER), 0);
        Connection first = connected();

        link.at(endpoint(theirsAnew, OTHER_ANEW), 1);
        Connection second = connected();

        assertThat(second.peer()).isEqualTo(OTHER_ANEW);
        assertThat(first.isOpen()).isFalse();
        assertThat(lost).containsExactly(first);
        assertThat(atOther.closed.poll(10, TimeUnit.SECONDS)).contains("another run");
    }

    @Test
    void aClosedConnectionIsReportedOnceAndOpenedAnew() throws Exception {
        link.at(endpoint(theirs, OTHER), 0);
        Connection first = connected();

        Objects.requireNonNull(atOther.opened.poll(10, TimeUnit.SECONDS)).close("for the test");
        runUntil(() -> link.connection() == null);
        assertThat(lost).containsExactly(first);
        link.tick(TimeUnit.SECONDS.toNanos(1));

        assertThat(connected()).isNotSameAs(first);
        assertThat(lost).hasSize(1);
    }

    private static View.Member self() {
        return new View.Member("n1", 0x11);
    }

    private Endpoint endpoint(Transport of, Peer peer) {
        InetSocketAddress at = of.listen(new InetSocketAddress("127.0.0.1", 0), atOther);
        return new Endpoint(peer.name(), peer.role(), peer.incarnation(), 0, "127.0.0.1", at.getPort(), 0);
    }

    private Connection connected() throws InterruptedException {
        runUntil(() -> link.connection() != null);
        return Objects.requireNonNull(link.connection());
    }

    private void runUntil(BooleanSupplier isSo) throws InterruptedException {
        while (!isSo.getAsBoolean()) {
            agent.take().run();
        }
    }

    /** What one side's listener was told. */
    private static final class Seen implements ConnectionListener {
        final LinkedBlockingQueue<Connection> opened = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<String> closed = new LinkedBlockingQueue<>();

        @Override
        public void onOpen(Connection connection) {
            opened.add(connection);
        }

        @Override
        public void onFrame(Connection connection, long incarnation, Frame frame) {
            frames.add(frame);
        }

        @Override
        public void onClosed(Connection connection, String reason) {
            closed.add(reason);
        }
    }
}
