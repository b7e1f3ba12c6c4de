package io.lockstep.activenode;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many bytes the answers to reads have that were read and are not on a connection yet: in the ring, handed over by the
 * pool, at the gate. Safe from any thread.
 *
 * <p>While there are too many, or too much waits on the connection, a read is answered with {@code BUSY}. That costs a
 * client nothing but time, since a read leaves no trace and may be repeated; an answer to an ordered message is never
 * dropped so.
 */
final class ReadAnswers {
    /** What an answer costs beside its body; an estimate. */
    private static final int OVERHEAD_BYTES = 200;

    private final long maxBytes;
    private final AtomicLong bytes = new AtomicLong();

    /** @param maxBytes beyond this much no read begins; those that have begun come on top */
    ReadAnswers(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    boolean isFull() {
        return bytes.get() >= maxBytes;
    }

    /** In place of an answer; the client sends the read again by itself. */
    Answer busy(Request request) {
        return busy(
                request.session(),
                request.requestId(),
                "answers to reads with " + bytes.get() + " bytes wait in the active, which lets " + maxBytes
                        + " wait, an eighth of its heap; the read is sent again by itself: ask for less at a time, or"
                        + " give the node more heap");
    }

    private static Answer busy(Identity session, long requestId, String text) {
        return new Answer(session, requestId, Identity.NONE, AnswerCode.BUSY, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Counts an answer from now on until it is sent, once, to what is returned. */
    Connection counted(Connection channel, Answer answer) {
        long cost = (long) OVERHEAD_BYTES + answer.body().length;
        bytes.addAndGet(cost);
        return new Counted(channel, cost);
    }

    /** The way of one answer to its connection. */
    private final class Counted implements Connection {
        private final Connection channel;
        private final long cost;

        Counted(Connection channel, long cost) {
            this.channel = channel;
            this.cost = cost;
        }

        @Override
        public void send(Frame frame) {
            bytes.addAndGet(-cost);
            if (frame instanceof Frame.Reply reply && channel.isOpen() && !channel.isWritable()) {
                channel.send(new Frame.Reply(
                        reply.term(),
                        busy(
                                reply.answer().session(),
                                reply.answer().requestId(),
                                "too many answers wait on this connection to the active; the read is sent again by"
                                        + " itself: ask for less at a time")));
            } else {
                channel.send(frame);
            }
        }

        @Override
        public Peer peer() {
            return channel.peer();
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public boolean isWritable() {
            return channel.isWritable();
        }

        @Override
        public void close(String reason) {
            channel.close(reason);
        }

        @Override
        public SocketAddress remote() {
            return channel.remote();
        }
    }
}
