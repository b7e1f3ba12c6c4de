package io.lockstep.tests;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** One connection driven by hand: says whatever it is told to. Used by the test's thread only. */
final class WireClient implements AutoCloseable {
    private final Transport transport;
    private final CompletableFuture<Connection> opened = new CompletableFuture<>();
    private final CompletableFuture<String> closed = new CompletableFuture<>();
    private final LinkedBlockingQueue<Answer> answers = new LinkedBlockingQueue<>();

    WireClient(InetSocketAddress address, Peer self) {
        transport = new Transport(TransportConfig.defaults("lockstep", self));
        transport.connect(
                address,
                TestCluster.LIMIT,
                new ConnectionListener() {
                    @Override
                    public void onOpen(Connection connection) {
                        opened.complete(connection);
                    }

                    @Override
                    public void onFrame(Connection connection, long incarnation, Frame frame) {
                        if (frame instanceof Frame.Reply reply) {
                            answers.add(reply.answer());
                        }
                    }

                    @Override
                    public void onClosed(Connection connection, String reason) {
                        closed.complete(reason);
                    }
                },
                failure -> opened.completeExceptionally(new IllegalStateException(failure.toString())));
    }

    void send(Frame frame) throws Exception {
        opened.get(TestCluster.LIMIT.toSeconds(), TimeUnit.SECONDS).send(frame);
    }

    /** Sends it and waits for the next answer. */
    Answer ask(Request request) throws Exception {
        return ask(0, request);
    }

    /** Asks as a distributor does, in that term. */
    Answer ask(long term, Request request) throws Exception {
        send(new Frame.Ask(term, request));
        Answer answer = answers.poll(TestCluster.LIMIT.toSeconds(), TimeUnit.SECONDS);
        if (answer == null) {
            throw new AssertionError("no answer to " + request);
        }
        return answer;
    }

    /** Opens a session. @return its name */
    Identity open(long nonce) throws Exception {
        return ask(request(Identity.provisional(nonce), 0, RequestKind.OPEN, 0, 0, new byte[0]))
                .entry();
    }

    static Request request(Identity session, long id, RequestKind kind, long transaction, long previous, byte[] body) {
        return new Request(session, 1, id, kind, transaction, 0, previous, Identity.NONE, 30_000, false, body);
    }

    /** Why the other side ended the connection; waits for that. */
    String farewell() throws Exception {
        return closed.get(TestCluster.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        transport.close();
    }
}
