package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.List;

/**
 * Encodes frames, each in its envelope (see {@link EnvelopeView}); allocates nothing per frame, texts beyond their limit
 * excepted. Used by one thread at a time.
 */
public final class FrameWriter {
    private static final int IDENTITY_BYTES = 16;
    private static final int BALLOT_BYTES = 16;
    private static final int REQUEST_FIXED_BYTES = IDENTITY_BYTES + 4 + 8 + 1 + 8 + 8 + 8 + IDENTITY_BYTES + 4 + 1 + 4;
    private static final int ANSWER_FIXED_BYTES = IDENTITY_BYTES + 8 + IDENTITY_BYTES + 1 + 4;

    private final Checksum checksum = new Checksum();
    private final long clusterId;
    private final long incarnation;
    private final int maxFrameBytes;

    /**
     * @param cluster name of the cluster
     * @param incarnation of the process that speaks
     * @param maxFrameBytes see {@link TransportConfig#maxFrameBytes}
     */
    public FrameWriter(String cluster, long incarnation, int maxFrameBytes) {
        this.clusterId = EnvelopeView.clusterId(cluster);
        this.incarnation = incarnation;
        this.maxFrameBytes = maxFrameBytes;
    }

    /**
     * Length of a frame with its envelope, in bytes.
     *
     * @throws IllegalArgumentException when a name or a list in it is over its limit, see {@link Limits}
     */
    public static int bytes(Frame frame) {
        return EnvelopeView.BYTES + payloadBytes(frame);
    }

    /**
     * The same, within a limit.
     *
     * @throws IllegalArgumentException also when the frame or a body in it is longer than the limit allows
     */
    static int checkedBytes(Frame frame, int maxFrameBytes) {
        int bytes = bytes(frame);
        if (bytes > maxFrameBytes || bytes < 0) {
            throw new IllegalArgumentException(
                    FrameType.of(frame) + " frame has " + bytes + " bytes; at most " + maxFrameBytes + " are sent");
        }
        int bodyBytes = bodyBytes(frame);
        if (bodyBytes > Limits.bodyMaxBytes(maxFrameBytes)) {
            throw new IllegalArgumentException(FrameType.of(frame) + " frame's body has " + bodyBytes
                    + " bytes; at most " + Limits.bodyMaxBytes(maxFrameBytes) + " are sent");
        }
        return bytes;
    }

    private static int bodyBytes(Frame frame) {
        if (frame instanceof Frame.Ask ask) {
            return ask.request().body().length;
        } else if (frame instanceof Frame.Reply reply) {
            return reply.answer().body().length;
        } else if (frame instanceof Frame.CopyChunk chunk) {
            return chunk.data().length;
        }
        return 0;
    }

    /**
     * Appends a frame.
     *
     * @return its length, in bytes
     * @throws IllegalArgumentException when the frame or a part of it is over a limit; nothing is written then
     */
    public int write(Frame frame, ByteBuf out) {
        return write(frame, checkedBytes(frame, maxFrameBytes), out);
    }

    /** The same for a frame whose length is known, see {@link #checkedBytes}. */
    int write(Frame frame, int bytes, ByteBuf out) {
        FrameType type = FrameType.of(frame);
        out.ensureWritable(bytes);
        int start = out.writerIndex();
        out.writeInt(bytes - EnvelopeView.LENGTH_BYTES);
        out.writeInt(0); // the checksum, known at the end
        out.writeByte(EnvelopeView.PROTOCOL_VERSION);
        out.writeByte(type.code());
        out.writeLong(clusterId);
        out.writeLong(incarnation);
        out.writeLong(frame.term());
        writePayload(type, frame, out);
        Invariant.check(
                out.writerIndex() - start == bytes,
                "a frame is as long as was announced",
                out.writerIndex() - start,
                bytes);
        int checked = start + EnvelopeView.VERSION_OFFSET;
        out.setInt(
                start + EnvelopeView.CHECKSUM_OFFSET, checksum.of(out, checked, bytes - EnvelopeView.VERSION_OFFSET));
        return bytes;
    }

    private static int payloadBytes(Frame frame) {
        return switch (FrameType.of(frame)) {
            case HELLO -> nameBytes(((Frame.Hello) frame).sender().name()) + 1 + 8;
            case GOODBYE -> textBytes(((Frame.Goodbye) frame).reason());
            case ASK -> REQUEST_FIXED_BYTES + ((Frame.Ask) frame).request().body().length;
            case REPLY -> ANSWER_FIXED_BYTES + ((Frame.Reply) frame).answer().body().length;
            case VIEW_NOTICE ->
                8 + ViewCodec.memberBytes(((Frame.ViewNotice) frame).active().name());
            case JOIN -> 8 + IDENTITY_BYTES + 8 + 8 + 8;
            case FOLLOW -> 8 + 8;
            case COPY_BEGIN -> 8 + 8 + IDENTITY_BYTES + 8;
            case COPY_CHUNK -> 8 + 4 + 1 + 4 + ((Frame.CopyChunk) frame).data().length;
            case COPY_ACKNOWLEDGE -> 8 + 4;
            case FORWARD -> forwardBytes(((Frame.Forward) frame).entries());
            case ACKNOWLEDGE -> 8 + 8 + 8;
            case DIVERGED -> 8 + 8 + 8 + textBytes(((Frame.Diverged) frame).detail());
            case DEATH_NOTE -> IDENTITY_BYTES + 8 + textBytes(((Frame.DeathNote) frame).cause());
            case PREPARE -> BALLOT_BYTES;
            case PROMISE ->
                BALLOT_BYTES
                        + BALLOT_BYTES
                        + 1
                        + ((Frame.Promise) frame).value().map(ViewCodec::bytes).orElse(0)
                        + 8
                        + 1;
            case ACCEPT -> BALLOT_BYTES + ViewCodec.bytes(((Frame.Accept) frame).value());
            case ADMIT -> BALLOT_BYTES + ViewCodec.bytes(((Frame.Admit) frame).value());
            case ACCEPTED -> BALLOT_BYTES + 8;
            case REGISTER_REFUSAL -> BALLOT_BYTES + BALLOT_BYTES + textBytes(((Frame.RegisterRefusal) frame).reason());
            case STATUS_ASK -> textBytes(((Frame.StatusAsk) frame).question());
            case STATUS_REPLY -> 4 + ByteBufUtil.utf8Bytes(((Frame.StatusReply) frame).json());
            case SUMS -> 8 + 8 + 4 + tableSumBytes(((Frame.Sums) frame).tables());
            case NARROW -> {
                Frame.Narrow narrow = (Frame.Narrow) frame;
                yield 8 + textBytes(narrow.table()) + 4 + 8 + 1 + 4 + rowSumBytes(narrow.parts());
            }
            case OUTVOTED -> 8 + nameBytes(((Frame.Outvoted) frame).witness());
        };
    }

    private static int forwardBytes(List<Entry> entries) {
        if (entries.size() > Limits.FORWARD_ENTRIES_MAX) {
            throw new IllegalArgumentException("forward frame has " + entries.size() + " entries; at most "
                    + Limits.FORWARD_ENTRIES_MAX + " are sent");
        }
        long bytes = ForwardView.FIXED_BYTES;
        for (int i = 0; i < entries.size(); i++) {
            bytes += entries.get(i).bytes();
        }
        return (int) Math.min(bytes, Integer.MAX_VALUE - EnvelopeView.BYTES);
    }

    private static int tableSumBytes(List<TableSum> sums) {
        checkCount("tables", sums.size(), Limits.TABLE_SUMS_MAX);
        int bytes = 0;
        for (TableSum each : sums) {
            bytes += textBytes(each.table()) + 8 + 8;
        }
        return bytes;
    }

    private static int rowSumBytes(List<RowSum> sums) {
        checkCount("parts", sums.size(), Limits.ROW_SUMS_MAX);
        int bytes = 0;
        for (RowSum each : sums) {
            bytes += 8 + 8 + 8 + textBytes(each.text());
        }
        return bytes;
    }

    private static void checkCount(String what, int count, int max) {
        if (count > max) {
            throw new IllegalArgumentException(count + " " + what + "; at most " + max + " are sent");
        }
    }

    private static int nameBytes(String name) {
        Texts.checkName("name", name);
        return 4 + ByteBufUtil.utf8Bytes(name);
    }

    private static int textBytes(String text) {
        return 4 + ByteBufUtil.utf8Bytes(Texts.cut(text));
    }

    private static void writePayload(FrameType type, Frame frame, ByteBuf out) {
        switch (type) {
            case HELLO -> {
                Peer sender = ((Frame.Hello) frame).sender();
                writeText(sender.name(), out);
                out.writeByte(sender.role().ordinal()).writeLong(sender.incarnation());
            }
            case GOODBYE -> writeText(Texts.cut(((Frame.Goodbye) frame).reason()), out);
            case ASK -> writeRequest(((Frame.Ask) frame).request(), out);
            case REPLY -> writeAnswer(((Frame.Reply) frame).answer(), out);
            case VIEW_NOTICE -> {
                Frame.ViewNotice notice = (Frame.ViewNotice) frame;
                out.writeLong(notice.version());
                ViewCodec.writeMember(notice.active().name(), notice.active().incarnation(), out);
            }
            case JOIN -> {
                Frame.Join join = (Frame.Join) frame;
                out.writeLong(join.joinId());
                writeIdentity(join.last(), out);
                out.writeLong(join.lastChain()).writeLong(join.executedPosition());
                out.writeLong(join.executedChain());
            }
            case FOLLOW -> {
                Frame.Follow follow = (Frame.Follow) frame;
                out.writeLong(follow.joinId()).writeLong(follow.fromPosition());
            }
            case COPY_BEGIN -> {
                Frame.CopyBegin begin = (Frame.CopyBegin) frame;
                out.writeLong(begin.joinId()).writeLong(begin.copyId());
                writeIdentity(begin.at(), out);
                out.writeLong(begin.chain());
            }
            case COPY_CHUNK -> {
                Frame.CopyChunk chunk = (Frame.CopyChunk) frame;
                out.writeLong(chunk.copyId()).writeInt(chunk.index()).writeBoolean(chunk.last());
                writeBody(chunk.data(), out);
            }
            case COPY_ACKNOWLEDGE -> {
                Frame.CopyAcknowledge acknowledge = (Frame.CopyAcknowledge) frame;
                out.writeLong(acknowledge.copyId()).writeInt(acknowledge.pieces());
            }
            case FORWARD -> writeForward((Frame.Forward) frame, out);
            case ACKNOWLEDGE -> {
                Frame.Acknowledge acknowledge = (Frame.Acknowledge) frame;
                out.writeLong(acknowledge.round()).writeLong(acknowledge.receivedPosition());
                out.writeLong(acknowledge.executedPosition());
            }
            case DIVERGED -> {
                Frame.Diverged diverged = (Frame.Diverged) frame;
                out.writeLong(diverged.position())
                        .writeLong(diverged.expected())
                        .writeLong(diverged.actual());
                writeText(Texts.cut(diverged.detail()), out);
            }
            case DEATH_NOTE -> {
                Frame.DeathNote note = (Frame.DeathNote) frame;
                writeIdentity(note.session(), out);
                out.writeLong(note.requestId());
                writeText(Texts.cut(note.cause()), out);
            }
            case PREPARE -> writeBallot(((Frame.Prepare) frame).ballot(), out);
            case PROMISE -> {
                Frame.Promise promise = (Frame.Promise) frame;
                writeBallot(promise.ballot(), out);
                writeBallot(promise.accepted(), out);
                out.writeBoolean(promise.value().isPresent());
                promise.value().ifPresent(view -> ViewCodec.write(view, out));
                out.writeLong(promise.diskId()).writeBoolean(promise.voting());
            }
            case ACCEPT -> {
                Frame.Accept accept = (Frame.Accept) frame;
                writeBallot(accept.ballot(), out);
                ViewCodec.write(accept.value(), out);
            }
            case ADMIT -> {
                Frame.Admit admit = (Frame.Admit) frame;
                writeBallot(admit.ballot(), out);
                ViewCodec.write(admit.value(), out);
            }
            case ACCEPTED -> {
                Frame.Accepted accepted = (Frame.Accepted) frame;
                writeBallot(accepted.ballot(), out);
                out.writeLong(accepted.diskId());
            }
            case REGISTER_REFUSAL -> {
                Frame.RegisterRefusal refusal = (Frame.RegisterRefusal) frame;
                writeBallot(refusal.ballot(), out);
                writeBallot(refusal.promised(), out);
                writeText(Texts.cut(refusal.reason()), out);
            }
            case STATUS_ASK -> writeText(Texts.cut(((Frame.StatusAsk) frame).question()), out);
            case STATUS_REPLY -> writeText(((Frame.StatusReply) frame).json(), out);
            case SUMS -> {
                Frame.Sums sums = (Frame.Sums) frame;
                out.writeLong(sums.position()).writeLong(sums.chain());
                out.writeInt(sums.tables().size());
                for (TableSum each : sums.tables()) {
                    writeText(Texts.cut(each.table()), out);
                    out.writeLong(each.sum()).writeLong(each.rows());
                }
            }
            case NARROW -> {
                Frame.Narrow narrow = (Frame.Narrow) frame;
                out.writeLong(narrow.position());
                writeText(Texts.cut(narrow.table()), out);
                out.writeInt(narrow.depth()).writeLong(narrow.prefix()).writeBoolean(narrow.isRows());
                out.writeInt(narrow.parts().size());
                for (RowSum each : narrow.parts()) {
                    out.writeLong(each.key()).writeLong(each.sum()).writeLong(each.rows());
                    writeText(Texts.cut(each.text()), out);
                }
            }
            case OUTVOTED -> {
                Frame.Outvoted outvoted = (Frame.Outvoted) frame;
                out.writeLong(outvoted.position());
                writeText(outvoted.witness(), out);
            }
        }
    }

    private static void writeRequest(Request request, ByteBuf out) {
        writeIdentity(request.session(), out);
        out.writeInt(request.attach());
        out.writeLong(request.requestId());
        out.writeByte(request.kind().code());
        out.writeLong(request.transaction());
        out.writeLong(request.acknowledgedUpTo());
        out.writeLong(request.previousOrdered());
        writeIdentity(request.highestSeen(), out);
        out.writeInt(request.deadlineMillis());
        out.writeBoolean(request.repeated());
        writeBody(request.body(), out);
    }

    private static void writeAnswer(Answer answer, ByteBuf out) {
        writeIdentity(answer.session(), out);
        out.writeLong(answer.requestId());
        writeIdentity(answer.entry(), out);
        out.writeByte(answer.code().code());
        writeBody(answer.body(), out);
    }

    private static void writeForward(Frame.Forward forward, ByteBuf out) {
        out.writeLong(forward.round()).writeLong(forward.stablePosition());
        List<Entry> entries = forward.entries();
        out.writeInt(entries.size());
        for (int i = 0; i < entries.size(); i++) {
            EntryView.write(entries.get(i), out);
        }
    }

    private static void writeIdentity(Identity identity, ByteBuf out) {
        out.writeLong(identity.term()).writeLong(identity.position());
    }

    private static void writeBallot(Ballot ballot, ByteBuf out) {
        out.writeLong(ballot.counter()).writeLong(ballot.proposer());
    }

    private static void writeBody(byte[] body, ByteBuf out) {
        out.writeInt(body.length);
        out.writeBytes(body);
    }

    private static void writeText(String text, ByteBuf out) {
        int bytes = ByteBufUtil.utf8Bytes(text);
        out.writeInt(bytes);
        ByteBufUtil.reserveAndWriteUtf8(out, text, bytes);
    }
}
