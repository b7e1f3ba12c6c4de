package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decodes frames; every limit is checked before anything is allocated for what it limits. Used by one thread at a time.
 *
 * <p>{@link #next} and {@link #envelope} look at a frame in place and allocate nothing; {@link #frame} makes the object
 * that may be kept, and allocates it and what it holds.
 */
public final class FrameReader {
    private static final Peer.Role[] ROLES = Peer.Role.values();

    private final EnvelopeView envelope;
    private final FieldReader fields = new FieldReader();
    private final ForwardView forwardView = new ForwardView();
    private final EntryView entryView = new EntryView();
    private final int maxFrameBytes;

    /**
     * @param cluster name of the cluster; frames of others are refused
     * @param maxFrameBytes see {@link TransportConfig#maxFrameBytes}
     */
    public FrameReader(String cluster, int maxFrameBytes) {
        this.envelope = new EnvelopeView(cluster, maxFrameBytes);
        this.maxFrameBytes = maxFrameBytes;
    }

    /**
     * Takes the next frame from the buffer, if it is complete.
     *
     * @return null when more bytes are needed
     * @throws ProtocolException when the bytes are no frame; the reader index stays at its start
     */
    public @Nullable Frame read(ByteBuf in) throws ProtocolException {
        if (!next(in)) {
            return null;
        }
        Frame frame = frame();
        in.skipBytes(envelope.frameBytes());
        return frame;
    }

    /**
     * Points {@link #envelope} at the frame at the reader index, which does not move.
     *
     * @return whether it is complete
     * @throws ProtocolException when the bytes there are no frame
     */
    public boolean next(ByteBuf in) throws ProtocolException {
        return envelope.wrap(in, in.readerIndex(), in.writerIndex());
    }

    /** The envelope that {@link #next} found. */
    public EnvelopeView envelope() {
        return envelope;
    }

    /** The frame that {@link #next} found, as an object. @throws ProtocolException when its payload is malformed */
    public Frame frame() throws ProtocolException {
        fields.wrap(envelope.buffer(), envelope.payloadIndex(), envelope.payloadEnd());
        long term = envelope.term();
        Frame frame =
                switch (envelope.type()) {
                    case HELLO -> new Frame.Hello(term, peer());
                    case GOODBYE -> new Frame.Goodbye(term, text("reason"));
                    case ASK -> new Frame.Ask(term, request());
                    case REPLY -> new Frame.Reply(term, answer());
                    case VIEW_NOTICE ->
                        new Frame.ViewNotice(
                                term, fields.number("view version"), ViewCodec.readMember("active", fields));
                    case JOIN ->
                        new Frame.Join(
                                term,
                                fields.number("join id"),
                                fields.identity("last"),
                                fields.bits("last chain"),
                                fields.number("executed position"),
                                fields.bits("executed chain"));
                    case FOLLOW -> new Frame.Follow(term, fields.number("join id"), fields.number("from position"));
                    case COPY_BEGIN ->
                        new Frame.CopyBegin(
                                term,
                                fields.number("join id"),
                                fields.bits("copy id"),
                                fields.identity("copy position"),
                                fields.bits("chain"));
                    case COPY_CHUNK ->
                        new Frame.CopyChunk(
                                term,
                                fields.bits("copy id"),
                                fields.smallNumber("piece index"),
                                fields.flag("last piece"),
                                body("piece"));
                    case COPY_ACKNOWLEDGE ->
                        new Frame.CopyAcknowledge(term, fields.bits("copy id"), fields.smallNumber("pieces"));
                    case FORWARD -> forward(term);
                    case ACKNOWLEDGE ->
                        new Frame.Acknowledge(
                                term,
                                fields.number("round"),
                                fields.number("received position"),
                                fields.number("executed position"));
                    case DIVERGED ->
                        new Frame.Diverged(
                                term,
                                fields.number("position"),
                                fields.bits("expected outcome"),
                                fields.bits("actual outcome"),
                                text("detail"));
                    case DEATH_NOTE ->
                        new Frame.DeathNote(
                                term, fields.identity("session"), fields.number("request id"), text("cause"));
                    case PREPARE -> new Frame.Prepare(term, ballot());
                    case PROMISE ->
                        new Frame.Promise(
                                term,
                                ballot(),
                                ballot(),
                                fields.flag("value present") ? Optional.of(ViewCodec.read(fields)) : Optional.empty(),
                                fields.bits("disk id"),
                                fields.flag("voting"));
                    case ACCEPT -> new Frame.Accept(term, ballot(), ViewCodec.read(fields));
                    case ADMIT -> new Frame.Admit(term, ballot(), ViewCodec.read(fields));
                    case ACCEPTED -> new Frame.Accepted(term, ballot(), fields.bits("disk id"));
                    case REGISTER_REFUSAL -> new Frame.RegisterRefusal(term, ballot(), ballot(), text("reason"));
                    case STATUS_ASK -> new Frame.StatusAsk(term, text("question"));
                    case STATUS_REPLY -> new Frame.StatusReply(term, fields.text("json", maxFrameBytes));
                    case SUMS -> new Frame.Sums(term, fields.number("position"), fields.bits("chain"), tableSums());
                    case NARROW ->
                        new Frame.Narrow(
                                term,
                                fields.number("position"),
                                text("table"),
                                fields.smallNumber("depth"),
                                fields.bits("prefix"),
                                fields.flag("rows"),
                                rowSums());
                    case OUTVOTED -> new Frame.Outvoted(term, fields.number("position"), fields.name("witness"));
                };
        fields.finish("frame");
        return frame;
    }

    private Frame forward(long term) throws ProtocolException {
        forwardView.wrap(envelope);
        List<Entry> entries = new ArrayList<>(forwardView.count());
        while (forwardView.next(entryView)) {
            entries.add(entryView.toEntry());
        }
        fields.wrap(envelope.buffer(), envelope.payloadEnd(), envelope.payloadEnd()); // all of it is read
        return new Frame.Forward(term, forwardView.round(), forwardView.stablePosition(), entries);
    }

    private List<TableSum> tableSums() throws ProtocolException {
        int count = fields.count("tables", Limits.TABLE_SUMS_MAX, Integer.BYTES + 2 * Long.BYTES);
        List<TableSum> sums = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            sums.add(new TableSum(text("table"), fields.bits("sum"), fields.number("rows")));
        }
        return sums;
    }

    private List<RowSum> rowSums() throws ProtocolException {
        int count = fields.count("parts", Limits.ROW_SUMS_MAX, Integer.BYTES + 3 * Long.BYTES);
        List<RowSum> sums = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            sums.add(new RowSum(fields.bits("key"), fields.bits("sum"), fields.number("rows"), text("row")));
        }
        return sums;
    }

    private Peer peer() throws ProtocolException {
        String name = fields.name("name");
        int role = fields.code("role");
        if (role >= ROLES.length) {
            throw new ProtocolException("unknown role " + role);
        }
        return new Peer(name, ROLES[role], fields.bits("incarnation"));
    }

    private Request request() throws ProtocolException {
        return new Request(
                fields.identity("session"),
                fields.smallNumber("attach"),
                fields.number("request id"),
                kind(),
                fields.number("transaction"),
                fields.number("acknowledged up to"),
                fields.number("previous ordered"),
                fields.identity("highest seen"),
                fields.smallNumber("deadline"),
                fields.flag("repeated"),
                body("request body"));
    }

    private RequestKind kind() throws ProtocolException {
        try {
            return RequestKind.of(fields.code("request kind"));
        } catch (IllegalArgumentException e) {
            throw ProtocolException.of(e);
        }
    }

    private Answer answer() throws ProtocolException {
        return new Answer(
                fields.identity("session"),
                fields.number("request id"),
                fields.identity("entry"),
                answerCode(),
                body("answer body"));
    }

    private AnswerCode answerCode() throws ProtocolException {
        try {
            return AnswerCode.of(fields.code("answer code"));
        } catch (IllegalArgumentException e) {
            throw ProtocolException.of(e);
        }
    }

    private Ballot ballot() throws ProtocolException {
        long counter = fields.number("ballot");
        if (counter > Limits.BALLOT_MAX) {
            throw new ProtocolException("ballot " + counter + " is more than " + Limits.BALLOT_MAX);
        }
        return new Ballot(counter, fields.bits("proposer"));
    }

    private byte[] body(String what) throws ProtocolException {
        return fields.body(what, Limits.bodyMaxBytes(maxFrameBytes));
    }

    private String text(String what) throws ProtocolException {
        return fields.text(what, Limits.TEXT_MAX_BYTES);
    }
}
