package io.lockstep.distributor;

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
import io.lockstep.wire.View;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A node behind a real socket: the model's half of the protocol over one log that all nodes of a test share. */
final class SocketNode implements ConnectionListener, AutoCloseable {
    final View.Member member;
    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger asked = new AtomicInteger();
    final List<Frame> others = new CopyOnWriteArrayList<>();
    final List<Connection> connections = new CopyOnWriteArrayList<>();
    private final ModelStore store;
    private final Transport transport;
    final InetSocketAddress address;
    private volatile long term;
    volatile boolean holdsAnswers;
    volatile boolean closesAtOnce;
    /** Requests that are answered with BUSY before any is executed. */
    final AtomicInteger refusals = new AtomicInteger();

    /** Answers to reads wait until there are so many. */
    volatile int readsAnsweredTogether = 1;

    private final List<Frame> readAnswers = new CopyOnWriteArrayList<>();

    SocketNode(String name, long incarnation, ModelStore store, int port) {
        this.member = new View.Member(name, incarnation);
        this.store = store;
        this.transport =
                new Transport(TransportConfig.defaults("lockstep", new Peer(name, Peer.Role.NODE, incarnation)));
        this.address = transport.listen(new InetSocketAddress("127.0.0.1", port), this);
    }

    /** From now on it is active and says so. */
    void promote(long newTerm) {
        synchronized (store) {
            term = newTerm;
            store.execute(new ModelStore.Logged(new Identity(term, store.log().size() + 1), null));
        }
        connections.forEach(this::say);
    }

    private void say(Connection connection) {
        connection.send(new Frame.ViewNotice(term, term, member));
    }

    @Override
    public void onOpen(Connection connection) {
        opened.incrementAndGet();
        if (closesAtOnce) {
            connection.close("not today");
            return;
        }
        connections.add(connection);
        if (term > 0) {
            say(connection);
        }
    }

    @Override
    public void onFrame(Connection connection, long incarnation, Frame frame) {
        if (frame instanceof Frame.StatusAsk) {
            connection.send(new Frame.StatusReply(0, "{}"));
            return;
        }
        if (!(frame instanceof Frame.Ask ask)) {
            others.add(frame);
            return;
        }
        asked.incrementAndGet();
        Request request = ask.request();
        Answer answer;
        synchronized (store) {
            if (term == 0) {
                answer = ModelStore.refusal(request, AnswerCode.NOT_ACTIVE);
            } else if (refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                answer = ModelStore.refusal(request, AnswerCode.BUSY);
            } else if (isDeposed()) {
                return; // whatever it executed, nobody would hear of it
            } else {
                Answer known = store.judge(request);
                Identity next = new Identity(term, store.log().size() + 1);
                answer = known != null ? known : store.execute(new ModelStore.Logged(next, request));
            }
        }
        if (answer != null && !holdsAnswers) {
            Frame reply = new Frame.Reply(term, big(request, answer));
            if (request.kind() != RequestKind.READ || answer.code() == AnswerCode.BUSY) {
                connection.send(reply);
                return;
            }
            readAnswers.add(reply);
            if (readAnswers.size() >= readsAnsweredTogether) {
                readAnswers.forEach(connection::send);
                readAnswers.clear();
            }
        }
    }

    /** Whether somebody else reigns, which a node that was cut off has not heard. */
    private boolean isDeposed() {
        List<ModelStore.Logged> log = store.log();
        return !log.isEmpty() && log.get(log.size() - 1).identity().term() > term;
    }

    /** A read of "big" is answered with a mebibyte. */
    private static Answer big(Request request, Answer answer) {
        boolean isBig =
                request.kind() == RequestKind.READ && new String(request.body(), StandardCharsets.UTF_8).equals("big");
        return isBig
                ? new Answer(answer.session(), answer.requestId(), answer.entry(), answer.code(), new byte[1 << 20])
                : answer;
    }

    @Override
    public void onClosed(Connection connection, String reason) {
        connections.remove(connection);
    }

    @Override
    public void close() {
        transport.close();
    }
}
