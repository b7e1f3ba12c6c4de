package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;

/** Views as bytes: the body of a VIEW entry, the register's file. Safe from any thread, because it has no state. */
public final class ViewCodec {
    /** Length of a name's length and a number. */
    private static final int MEMBER_LEAST_BYTES = 4 + 8;

    private ViewCodec() {}

    /** The view's bytes. @throws IllegalArgumentException when a name or list is over its limit, see {@link Limits} */
    public static byte[] encode(View view) {
        byte[] bytes = new byte[bytes(view)];
        write(view, Unpooled.wrappedBuffer(bytes).clear());
        return bytes;
    }

    /** The view that these bytes are, neither more nor less. @throws ProtocolException when they are not */
    public static View decode(byte[] bytes) throws ProtocolException {
        FieldReader fields = new FieldReader().wrap(Unpooled.wrappedBuffer(bytes), 0, bytes.length);
        View view = read(fields);
        fields.finish("view");
        return view;
    }

    static int bytes(View view) {
        checkCount("backups", view.backups().size());
        checkCount("voters", view.voters().size());
        int bytes = 8 + 8 + memberBytes(view.active().name()) + 4 + 4 + 8;
        for (View.Member backup : view.backups()) {
            bytes += memberBytes(backup.name());
        }
        for (View.Voter voter : view.voters()) {
            bytes += memberBytes(voter.name());
        }
        return bytes;
    }

    private static void checkCount(String what, int count) {
        if (count > Limits.MEMBERS_MAX) {
            throw new IllegalArgumentException(what + " has " + count + " elements; at most " + Limits.MEMBERS_MAX);
        }
    }

    static int memberBytes(String name) {
        Texts.checkName("member name", name);
        return MEMBER_LEAST_BYTES + ByteBufUtil.utf8Bytes(name);
    }

    static void write(View view, ByteBuf out) {
        out.writeLong(view.version()).writeLong(view.term());
        writeMember(view.active().name(), view.active().incarnation(), out);
        out.writeInt(view.backups().size());
        for (View.Member backup : view.backups()) {
            writeMember(backup.name(), backup.incarnation(), out);
        }
        out.writeInt(view.voters().size());
        for (View.Voter voter : view.voters()) {
            writeMember(voter.name(), voter.diskId(), out);
        }
        out.writeLong(view.nonce());
    }

    static void writeMember(String name, long number, ByteBuf out) {
        int bytes = ByteBufUtil.utf8Bytes(name);
        out.writeInt(bytes);
        ByteBufUtil.reserveAndWriteUtf8(out, name, bytes);
        out.writeLong(number);
    }

    static View read(FieldReader fields) throws ProtocolException {
        long version = fields.number("view version");
        long term = fields.number("view term");
        View.Member active = readMember("active", fields);
        int backupCount = fields.count("backups", Limits.MEMBERS_MAX, MEMBER_LEAST_BYTES);
        List<View.Member> backups = new ArrayList<>(backupCount);
        for (int i = 0; i < backupCount; i++) {
            backups.add(readMember("backup", fields));
        }
        int voterCount = fields.count("voters", Limits.MEMBERS_MAX, MEMBER_LEAST_BYTES);
        List<View.Voter> voters = new ArrayList<>(voterCount);
        for (int i = 0; i < voterCount; i++) {
            voters.add(new View.Voter(fields.name("voter"), fields.bits("disk id")));
        }
        return new View(version, term, active, backups, voters, fields.bits("nonce"));
    }

    static View.Member readMember(String what, FieldReader fields) throws ProtocolException {
        return new View.Member(fields.name(what), fields.bits("incarnation"));
    }
}
