package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * One entry, its control header included, read in place: points into the buffer and allocates nothing until {@link
 * #toEntry}. Used by one thread at a time, and only until the buffer changes.
 *
 * <pre>
 *  0  term, position (8 + 8)
 * 16  session: term, position (8 + 8)
 * 32  request id (8)
 * 40  kind (1)
 * 41  attach (4)
 * 45  transaction (8)
 * 53  acknowledged up to (8)
 * 61  header time (8)
 * 69  seed (8)
 * 77  decision (1)
 * 78  outcome (8)
 * 86  chain (8)
 * 94  length of the body (4), body
 * </pre>
 */
public final class EntryView {
    private static final int POSITION = 8;
    private static final int SESSION_TERM = 16;
    private static final int SESSION_POSITION = 24;
    private static final int REQUEST_ID = 32;
    private static final int KIND = 40;
    private static final int ATTACH = 41;
    private static final int TRANSACTION = 45;
    private static final int ACKNOWLEDGED_UP_TO = 53;
    private static final int TIME_NS = 61;
    private static final int SEED = 69;
    private static final int DECISION = 77;
    private static final int OUTCOME = 78;
    private static final int CHAIN = 86;
    private static final int BODY_LENGTH = 94;

    private ByteBuf buffer = Unpooled.EMPTY_BUFFER;
    private int index;
    private RequestKind kind = RequestKind.OPEN;
    private Decision decision = Decision.EXECUTE;

    /** Writes an entry in that layout, {@link Entry#bytes} long. */
    static void write(Entry entry, ByteBuf out) {
        ControlHeader header = entry.header();
        out.writeLong(header.term()).writeLong(header.position());
        out.writeLong(header.session().term()).writeLong(header.session().position());
        out.writeLong(header.requestId());
        out.writeByte(header.kind().code());
        out.writeInt(header.attach());
        out.writeLong(header.transaction());
        out.writeLong(header.acknowledgedUpTo());
        out.writeLong(header.timeNs());
        out.writeLong(header.seed());
        out.writeByte(entry.decision().code());
        out.writeLong(entry.outcome());
        out.writeLong(entry.chain());
        out.writeInt(entry.body().length);
        out.writeBytes(entry.body());
    }

    /**
     * Points at the entry that starts at an index, and checks all of it.
     *
     * @param end where the bytes end; they may hold more than this entry
     * @throws ProtocolException when there is no entry
     */
    public EntryView wrap(ByteBuf buffer, int index, int end) throws ProtocolException {
        if (end - index < Entry.OVERHEAD_BYTES) {
            throw new ProtocolException(
                    "entry is cut off: " + Entry.OVERHEAD_BYTES + " bytes needed, " + (end - index) + " left");
        }
        this.buffer = buffer;
        this.index = index;
        checkNumbers();
        try {
            kind = RequestKind.of(buffer.getUnsignedByte(index + KIND));
            decision = Decision.of(buffer.getUnsignedByte(index + DECISION));
        } catch (IllegalArgumentException e) {
            throw new ProtocolException("entry: " + e.getMessage());
        }
        if (bodyLength() < 0 || bodyLength() > end - index - Entry.OVERHEAD_BYTES) {
            throw new ProtocolException("entry's body has " + bodyLength() + " bytes; "
                    + (end - index - Entry.OVERHEAD_BYTES) + " are left");
        }
        return this;
    }

    private void checkNumbers() throws ProtocolException {
        long signs = term()
                | position()
                | sessionTerm()
                | sessionPosition()
                | requestId()
                | attach()
                | transaction()
                | acknowledgedUpTo()
                | timeNs();
        if (signs < 0) {
            throw new ProtocolException("entry's header has a negative number");
        }
    }

    public long term() {
        return buffer.getLong(index);
    }

    public long position() {
        return buffer.getLong(index + POSITION);
    }

    public long sessionTerm() {
        return buffer.getLong(index + SESSION_TERM);
    }

    public long sessionPosition() {
        return buffer.getLong(index + SESSION_POSITION);
    }

    public long requestId() {
        return buffer.getLong(index + REQUEST_ID);
    }

    public RequestKind kind() {
        return kind;
    }

    public int attach() {
        return buffer.getInt(index + ATTACH);
    }

    public long transaction() {
        return buffer.getLong(index + TRANSACTION);
    }

    public long acknowledgedUpTo() {
        return buffer.getLong(index + ACKNOWLEDGED_UP_TO);
    }

    public long timeNs() {
        return buffer.getLong(index + TIME_NS);
    }

    public long seed() {
        return buffer.getLong(index + SEED);
    }

    public Decision decision() {
        return decision;
    }

    public long outcome() {
        return buffer.getLong(index + OUTCOME);
    }

    public long chain() {
        return buffer.getLong(index + CHAIN);
    }

    /** Length of the message, in bytes. */
    public int bodyLength() {
        return buffer.getInt(index + BODY_LENGTH);
    }

    /** Length of the whole entry, in bytes. */
    public int bytes() {
        return Entry.OVERHEAD_BYTES + bodyLength();
    }

    /** The entry as an object that may be kept. */
    public Entry toEntry() {
        byte[] body = new byte[bodyLength()];
        buffer.getBytes(index + Entry.OVERHEAD_BYTES, body);
        boolean isActivesOwn = sessionTerm() == 0 && sessionPosition() == 0;
        ControlHeader header = new ControlHeader(
                term(),
                position(),
                isActivesOwn ? Identity.NONE : new Identity(sessionTerm(), sessionPosition()),
                requestId(),
                kind,
                attach(),
                transaction(),
                acknowledgedUpTo(),
                timeNs(),
                seed());
        return new Entry(header, body, decision, outcome(), chain());
    }
}
