package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Every limit at its border: what is just within passes, what is just beyond is refused with the numbers. */
class LimitsTest {
    private static final int MAX_BYTES = 64 << 10;

    private final FrameWriter writer = new FrameWriter("test", 1, MAX_BYTES);
    private final FrameReader reader = new FrameReader("test", MAX_BYTES);

    private Frame passed(Frame frame) throws ProtocolException {
        ByteBuf buffer = Unpooled.buffer();
        int bytes = writer.write(frame, buffer);
        assertThat(buffer.readableBytes()).isEqualTo(bytes);
        Frame read = reader.read(buffer);
        assertThat(read).isNotNull();
        assertThat(buffer.isReadable()).isFalse();
        return read;
    }

    private void refused(Frame frame, String... texts) {
        ByteBuf buffer = Unpooled.buffer();
        assertThatThrownBy(() -> writer.write(frame, buffer))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(texts);
        assertThat(buffer.writerIndex()).isZero();
    }

    private static List<View.Member> members(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new View.Member("m" + i, i))
                .toList();
    }

    private static List<View.Voter> voters(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new View.Voter("v" + i, i))
                .toList();
    }

    private static View view(int backups, int voters) {
        return new View(1, 1, new View.Member("a", 1), members(backups), voters(voters), 1);
    }

    @Test
    void aNameMayHaveAsManyBytesAsTheLimitSays() throws Exception {
        String longest = "n".repeat(Limits.NAME_MAX_BYTES);
        Frame.ViewNotice notice = new Frame.ViewNotice(1, 1, new View.Member(longest, 1));
        assertThat(passed(notice)).isEqualTo(notice);
        String wide = "語".repeat(Limits.NAME_MAX_BYTES / 3) + "n".repeat(Limits.NAME_MAX_BYTES % 3);
        Frame.ViewNotice other = new Frame.ViewNotice(1, 1, new View.Member(wide, 1));
        assertThat(passed(other)).isEqualTo(other);
        refused(new Frame.ViewNotice(1, 1, new View.Member(wide + "n", 1)), "65 bytes", "1 to 64");
    }

    @Test
    void aTextIsCutOnlyBeyondItsLimit() throws Exception {
        for (String text : List.of(
                "x".repeat(Limits.TEXT_MAX_BYTES),
                "x".repeat(Limits.TEXT_MAX_BYTES / 3),
                "語".repeat(Limits.TEXT_MAX_BYTES / 3),
                "語".repeat(Limits.TEXT_MAX_BYTES / 3) + "x".repeat(Limits.TEXT_MAX_BYTES % 3))) {
            assertThat(((Frame.Goodbye) passed(new Frame.Goodbye(1, text))).reason())
                    .isEqualTo(text);
        }
        String full = "x".repeat(Limits.TEXT_MAX_BYTES);
        assertThat(((Frame.Goodbye) passed(new Frame.Goodbye(1, full + "y"))).reason())
                .isEqualTo(full);
    }

    @Test
    void aViewMayHaveAsManyMembersAsTheLimitSays() throws Exception {
        View largest = view(Limits.MEMBERS_MAX, Limits.MEMBERS_MAX);
        assertThat(ViewCodec.decode(ViewCodec.encode(largest))).isEqualTo(largest);
        assertThatThrownBy(() -> ViewCodec.encode(view(Limits.MEMBERS_MAX + 1, 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("backups has 65 elements; at most 64");
        assertThatThrownBy(() -> ViewCodec.encode(view(1, Limits.MEMBERS_MAX + 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("voters has 65 elements; at most 64");
    }

    @Test
    void aBallotMayCountAsFarAsTheLimitSays() throws Exception {
        Frame.Prepare highest = new Frame.Prepare(1, new Ballot(Limits.BALLOT_MAX, 1));
        assertThat(passed(highest)).isEqualTo(highest);
        ByteBuf beyond = Unpooled.buffer();
        writer.write(new Frame.Prepare(1, new Ballot(Limits.BALLOT_MAX + 1, 1)), beyond);
        assertThatThrownBy(() -> reader.read(beyond))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("is more than " + Limits.BALLOT_MAX);
    }

    @Test
    void aFrameMayBeAsLongAsTheLimitSays() throws Exception {
        int longest = MAX_BYTES - EnvelopeView.BYTES - Integer.BYTES;
        Frame.StatusReply reply = new Frame.StatusReply(1, "j".repeat(longest));
        assertThat(passed(reply)).isEqualTo(reply);
        refused(
                new Frame.StatusReply(1, "j".repeat(longest + 1)),
                "STATUS_REPLY frame has " + (MAX_BYTES + 1) + " bytes",
                "at most " + MAX_BYTES);
    }

    @Test
    void aBodyMayBeAsLongAsTheLimitSays() throws Exception {
        int longest = Limits.bodyMaxBytes(MAX_BYTES);
        byte[] fits = new byte[longest];
        byte[] doesNot = new byte[longest + 1];
        String said = (longest + 1) + " bytes; at most " + longest;
        passed(new Frame.CopyChunk(1, 1, 0, true, fits));
        refused(new Frame.CopyChunk(1, 1, 0, true, doesNot), "COPY_CHUNK frame's body has " + said);
        passed(new Frame.Reply(1, new Answer(Identity.NONE, 1, Identity.NONE, AnswerCode.OK, fits)));
        refused(
                new Frame.Reply(1, new Answer(Identity.NONE, 1, Identity.NONE, AnswerCode.OK, doesNot)),
                "REPLY frame's body has " + said);
    }

    @Test
    void aForwardMayHaveAsManyEntriesAsTheLimitSays() throws Exception {
        Entry random = new RandomFrames(1).entry();
        Entry entry = new Entry(random.header(), new byte[0], random.decision(), 1, 2);
        FrameWriter wide = new FrameWriter("test", 1, 8 << 20);
        List<Entry> most = Collections.nCopies(Limits.FORWARD_ENTRIES_MAX, entry);
        ByteBuf buffer = Unpooled.buffer();
        wide.write(new Frame.Forward(1, 1, 1, most), buffer);
        FrameReader reading = new FrameReader("test", 8 << 20);
        assertThat(reading.next(buffer)).isTrue();
        ForwardView view = new ForwardView();
        assertThat(view.wrap(reading.envelope())).isSameAs(view);
        assertThat(view.count()).isEqualTo(Limits.FORWARD_ENTRIES_MAX);
        assertThatThrownBy(() -> wide.write(
                        new Frame.Forward(1, 1, 1, Collections.nCopies(Limits.FORWARD_ENTRIES_MAX + 1, entry)),
                        Unpooled.buffer()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining((Limits.FORWARD_ENTRIES_MAX + 1) + " entries");
    }

    /** The payload of a forward frame, its checksum made good again. */
    private static ByteBuf forward(int countSaid, int bytesMore) {
        Entry random = new RandomFrames(1).entry();
        Entry entry = new Entry(random.header(), new byte[0], random.decision(), 1, 2);
        ByteBuf buffer = Unpooled.buffer();
        new FrameWriter("test", 1, MAX_BYTES).write(new Frame.Forward(1, 1, 1, List.of(entry, entry)), buffer);
        buffer.writeZero(bytesMore);
        int bytes = buffer.readableBytes();
        buffer.setInt(0, bytes - EnvelopeView.LENGTH_BYTES);
        buffer.setInt(EnvelopeView.BYTES + 16, countSaid);
        int checked = EnvelopeView.VERSION_OFFSET;
        buffer.setInt(EnvelopeView.CHECKSUM_OFFSET, new Checksum().of(buffer, checked, bytes - checked));
        return buffer;
    }

    private void refusedInPlace(ByteBuf bytes, String text) throws ProtocolException {
        assertThat(reader.next(bytes)).isTrue();
        ForwardView view = new ForwardView();
        EntryView entry = new EntryView();
        assertThatThrownBy(() -> {
                    view.wrap(reader.envelope());
                    int read = 0;
                    while (view.next(entry)) {
                        assertThat(++read).isLessThanOrEqualTo(2);
                    }
                })
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining(text);
    }

    @Test
    void aForwardWhoseEntriesDoNotFillItIsRefusedInPlaceWithTheNumbers() throws Exception {
        int left = 2 * Entry.OVERHEAD_BYTES;
        refusedInPlace(
                forward(3, 0),
                "has 3 entries; at most " + Limits.FORWARD_ENTRIES_MAX + " are allowed, and " + left
                        + " bytes are left for them");
        refusedInPlace(forward(-1, 0), "has -1 entries");
        refusedInPlace(forward(2, 7), "followed by 7 bytes that do not belong to it");
        refusedInPlace(forward(1, 0), "followed by " + Entry.OVERHEAD_BYTES + " bytes that do not belong to it");
        refusedInPlace(forward(0, 0), "followed by " + left + " bytes that do not belong to it");
    }
}
