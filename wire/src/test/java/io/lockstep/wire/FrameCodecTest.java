package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written is what is read. */
class FrameCodecTest {
    private static final long SEED = 20261121;
    private static final int MAX_BYTES = 64 << 10;

    private final FrameWriter writer = new FrameWriter("test", 0xABCD, MAX_BYTES);
    private final FrameReader reader = new FrameReader("test", MAX_BYTES);

    @ParameterizedTest
    @EnumSource
    void everyFrameComesBackAsItWas(FrameType type) throws Exception {
        RandomFrames frames = new RandomFrames(SEED + type.ordinal());
        ByteBuf direct = UnpooledByteBufAllocator.DEFAULT.directBuffer();
        for (int i = 0; i < 5_000; i++) {
            Frame frame = frames.next(type);
            ByteBuf buffer = i % 2 == 0 ? direct.clear() : Unpooled.buffer();

            int bytes = writer.write(frame, buffer);
            Frame read = Objects.requireNonNull(reader.read(buffer));

            assertThat(bytes).isEqualTo(FrameWriter.bytes(frame)).isEqualTo(buffer.writerIndex());
            assertThat(buffer.isReadable()).isFalse();
            assertThat(reader.envelope().incarnation()).isEqualTo(0xABCD);
            assertThat(same(frame, read)).as("%s%n%s", frame, read).isTrue();
        }
        direct.release();
    }

    @Test
    void framesInOneBufferAreReadInOrder() throws Exception {
        ByteBuf buffer = Unpooled.buffer();
        for (int i = 0; i < 100; i++) {
            writer.write(new Frame.Follow(1, 2, i), buffer);
        }
        for (int i = 0; i < 100; i++) {
            assertThat(reader.read(buffer)).isEqualTo(new Frame.Follow(1, 2, i));
        }
        assertThat(reader.read(buffer)).isNull();
    }

    @Test
    void aForwardIsReadInPlaceAsWellAsAsAnObject() throws Exception {
        RandomFrames frames = new RandomFrames(SEED);
        ForwardView forward = new ForwardView();
        EntryView entry = new EntryView();
        for (int i = 0; i < 1_000; i++) {
            Frame.Forward frame = (Frame.Forward) frames.next(FrameType.FORWARD);
            ByteBuf buffer = Unpooled.buffer();
            writer.write(frame, buffer);

            assertThat(reader.next(buffer)).isTrue();
            forward.wrap(reader.envelope());

            assertThat(forward.round()).isEqualTo(frame.round());
            assertThat(forward.stablePosition()).isEqualTo(frame.stablePosition());
            for (Entry expected : frame.entries()) {
                assertThat(forward.next(entry)).isTrue();
                assertThat(same(expected, entry.toEntry())).isTrue();
                assertThat(entry.kind()).isEqualTo(expected.header().kind());
                assertThat(entry.decision()).isEqualTo(expected.decision());
            }
            assertThat(forward.next(entry)).isFalse();
        }
    }

    @Test
    void entriesAreTheSameInAnArrayAndInABuffer() throws Exception {
        RandomFrames frames = new RandomFrames(SEED);
        for (int i = 0; i < 1_000; i++) {
            Entry first = frames.entry();
            Entry second = frames.entry();
            ByteBuffer buffer =
                    ByteBuffer.allocate(1 + first.bytes() + second.bytes()).position(1);

            EntryCodec.encode(first, buffer);
            EntryCodec.encode(second, buffer);
            buffer.flip().position(1);

            assertThat(same(first, EntryCodec.decode(buffer))).isTrue();
            assertThat(same(second, EntryCodec.decode(buffer))).isTrue();
            assertThat(buffer.hasRemaining()).isFalse();
            assertThat(same(first, EntryCodec.decode(EntryCodec.encode(first)))).isTrue();
        }
    }

    @Test
    void bytesBehindAnEntryOrAViewAreRefused() {
        byte[] entry = EntryCodec.encode(new RandomFrames(SEED).entry());
        byte[] view = ViewCodec.encode(new RandomFrames(SEED).view());

        assertThatThrownBy(() -> EntryCodec.decode(Arrays.copyOf(entry, entry.length + 1)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("followed by 1 bytes");
        assertThatThrownBy(() -> ViewCodec.decode(Arrays.copyOf(view, view.length + 1)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("followed by 1 bytes");
    }

    @Test
    void viewsComeBackAsTheyWere() throws Exception {
        RandomFrames frames = new RandomFrames(SEED);
        for (int i = 0; i < 10_000; i++) {
            View view = frames.view();
            assertThat(ViewCodec.decode(ViewCodec.encode(view))).isEqualTo(view);
        }
    }

    @Test
    void aTextThatIsTooLongIsCutBetweenTwoCharacters() throws Exception {
        String text = "x" + "語".repeat(Limits.TEXT_MAX_BYTES);
        ByteBuf buffer = Unpooled.buffer();

        writer.write(new Frame.Goodbye(0, text), buffer);
        Frame.Goodbye read = (Frame.Goodbye) Objects.requireNonNull(reader.read(buffer));

        assertThat(read.reason()).isEqualTo("x" + "語".repeat((Limits.TEXT_MAX_BYTES - 1) / 3));
    }

    @Test
    void whatIsOverALimitIsNotWritten() {
        ByteBuf buffer = Unpooled.buffer();
        String longName = "n".repeat(Limits.NAME_MAX_BYTES + 1);
        byte[] longBody = new byte[Limits.bodyMaxBytes(MAX_BYTES) + 1];
        List<Frame> tooLong = List.of(
                new Frame.Hello(0, new Peer(longName, Peer.Role.NODE, 1)),
                new Frame.Hello(0, new Peer("", Peer.Role.NODE, 1)),
                new Frame.Hello(0, new Peer("a\nb", Peer.Role.NODE, 1)),
                new Frame.ViewNotice(0, 1, new View.Member(longName, 1)),
                new Frame.CopyChunk(0, 1, 1, true, longBody),
                new Frame.Reply(0, new Answer(Identity.NONE, 1, Identity.NONE, AnswerCode.OK, longBody)),
                new Frame.StatusReply(0, "j".repeat(MAX_BYTES)));

        for (Frame frame : tooLong) {
            assertThatThrownBy(() -> writer.write(frame, buffer)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(buffer.writerIndex()).isZero();
    }

    @Test
    void whateverMayBeAskedMayAlsoBeForwarded() throws Exception {
        byte[] body = new byte[Limits.bodyMaxBytes(MAX_BYTES)];
        Entry random = new RandomFrames(SEED).entry();
        Entry entry = new Entry(random.header(), body, random.decision(), 1, 2);
        ByteBuf buffer = Unpooled.buffer();

        writer.write(new Frame.Forward(1, 1, 1, List.of(entry)), buffer);

        assertThat(reader.read(buffer)).isInstanceOf(Frame.Forward.class);
    }

    @Test
    void everyKindOfFrameHasAType() {
        RandomFrames frames = new RandomFrames(SEED);
        List<Object> typed = new ArrayList<>();
        for (FrameType type : FrameType.values()) {
            Frame frame = frames.next(type);
            assertThat(FrameType.of(frame)).isEqualTo(type);
            typed.add(frame.getClass());
        }
        assertThat(typed).containsExactlyInAnyOrder((Object[]) Frame.class.getPermittedSubclasses());
    }

    /** Equal in depth: records by their components, arrays by their elements. */
    private static boolean same(@Nullable Object left, @Nullable Object right) throws ReflectiveOperationException {
        if (left instanceof byte[] bytes) {
            return right instanceof byte[] others && Arrays.equals(bytes, others);
        }
        if (left instanceof List<?> list && right instanceof List<?> others) {
            boolean isSame = list.size() == others.size();
            for (int i = 0; isSame && i < list.size(); i++) {
                isSame = same(list.get(i), others.get(i));
            }
            return isSame;
        }
        if (left instanceof Record && right != null && left.getClass() == right.getClass()) {
            for (RecordComponent component : left.getClass().getRecordComponents()) {
                var accessor = component.getAccessor();
                accessor.setAccessible(true);
                if (!same(accessor.invoke(left), accessor.invoke(right))) {
                    return false;
                }
            }
            return true;
        }
        if (left instanceof Optional<?> some && right instanceof Optional<?> other) {
            return same(some.orElse(null), other.orElse(null));
        }
        return Objects.equals(left, right);
    }
}
