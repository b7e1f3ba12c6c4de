package io.lockstep.jdbc;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
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
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A distributor and its active in one, for tests: the session protocol over a real socket, each request executed once, and
 * behind it whoever executes SQL messages. Safe from any thread.
 */
final class SqlServer implements ConnectionListener, AutoCloseable {
    /** Executes the messages of SQL sessions. */
    interface Sessions extends AutoCloseable {
        /** Takes messages of a session in their order; the answer may come later. */
        CompletableFuture<byte[]> execute(Identity session, long requestId, byte[] body);

        byte[] read(Identity session, byte[] body);

        void end(Identity session);

        @Override
        void close();
    }

    private final Sessions sessions;
    private final Transport transport;
    private final InetSocketAddress address;
    private final AtomicLong position = new AtomicLong();
    private final Map<Identity, Identity> opened = new ConcurrentHashMap<>();
    private final Map<Identity, Map<Long, CompletableFuture<Answer>>> answers = new ConcurrentHashMap<>();
    private final List<Connection> connections = new CopyOnWriteArrayList<>();
    private final ExecutorService lanes = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "test-lane");
        thread.setDaemon(true);
        return thread;
    });
    final AtomicInteger ordered = new AtomicInteger();
    final AtomicInteger reads = new AtomicInteger();
    /** Requests that arrive while it is set are executed, and their answers are lost. */
    volatile boolean losesAnswers;

    private final AtomicLong term = new AtomicLong(1);

    SqlServer(Sessions sessions) {
        this.sessions = sessions;
        this.transport = new Transport(TransportConfig.defaults("lockstep", new Peer("d", Peer.Role.DISTRIBUTOR, 1)));
        this.address = transport.listen(new InetSocketAddress("127.0.0.1", 0), this);
    }

    String url() {
        return "jdbc:lockstep://127.0.0.1:" + address.getPort() + "/test";
    }

    int openSessions() {
        return answers.size();
    }

    /** As after a takeover: a new term, and all cables are cut. */
    void takeOver() {
        term.incrementAndGet();
        cut();
    }

    void cut() {
        connections.forEach(connection -> connection.close("cut by the test"));
    }

    @Override
    public void onOpen(Connection connection) {
        connections.add(connection);
    }

    @Override
    public void onFrame(Connection connection, long incarnation, Frame frame) {
        if (frame instanceof Frame.Ask ask) {
            var unused = answer(ask.request()).thenAccept(answer -> {
                if (!losesAnswers) {
                    connection.send(new Frame.Reply(term.get(), answer));
                }
            });
        } else if (frame instanceof Frame.StatusAsk) {
            connection.send(new Frame.StatusReply(0, "{\"schema\":1,\"active\":\"node-1\"}"));
        }
    }

    private CompletableFuture<Answer> answer(Request request) {
        if (request.kind() == RequestKind.OPEN) {
            Identity name = opened.computeIfAbsent(
                    request.session(), nonce -> new Identity(term.get(), position.incrementAndGet()));
            answers.putIfAbsent(name, new ConcurrentHashMap<>());
            return CompletableFuture.completedFuture(
                    new Answer(request.session(), 0, name, AnswerCode.OK, new byte[0]));
        }
        Map<Long, CompletableFuture<Answer>> known = answers.get(request.session());
        if (known == null) {
            return CompletableFuture.completedFuture(bare(request, AnswerCode.UNKNOWN_SESSION));
        }
        if (request.kind() == RequestKind.SQL_READ) {
            reads.incrementAndGet();
            return CompletableFuture.supplyAsync(
                    () -> good(request, sessions.read(request.session(), request.body())), lanes);
        }
        CompletableFuture<Answer> mine = new CompletableFuture<>();
        CompletableFuture<Answer> first = known.putIfAbsent(request.requestId(), mine);
        if (first != null) {
            return first;
        }
        perform(request, mine);
        if (request.kind() == RequestKind.CLOSE) {
            sessions.end(request.session());
            answers.remove(request.session());
        }
        return mine;
    }

    private void perform(Request request, CompletableFuture<Answer> answer) {
        if (request.kind() == RequestKind.VOID) {
            answer.complete(bare(request, AnswerCode.VOIDED));
        } else if (request.kind() == RequestKind.SQL) {
            ordered.incrementAndGet();
            var unused = sessions.execute(request.session(), request.requestId(), request.body())
                    .thenAccept(body -> answer.complete(good(request, body)));
        } else {
            answer.complete(good(request, new byte[0]));
        }
    }

    private static Answer bare(Request request, AnswerCode code) {
        return new Answer(request.session(), request.requestId(), Identity.NONE, code, new byte[0]);
    }

    private Answer good(Request request, byte[] body) {
        return new Answer(
                request.session(),
                request.requestId(),
                new Identity(term.get(), position.incrementAndGet()),
                AnswerCode.OK,
                body);
    }

    @Override
    public void onClosed(Connection connection, String reason) {
        connections.remove(connection);
    }

    @Override
    public void close() {
        transport.close();
        lanes.shutdownNow();
        sessions.close();
    }
}
