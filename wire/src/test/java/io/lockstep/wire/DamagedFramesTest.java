package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Damaged bytes are refused, or are another frame in full; nothing but {@link ProtocolException} is ever thrown. */
class DamagedFramesTest {
    private static final long SEED = 72;
    private static final int MAX_BYTES = 64 << 10;
    private static final int SAMPLES = 5;

    private final FrameWriter writer = new FrameWriter("test", 1, MAX_BYTES);
    private final FrameReader reader = new FrameReader("test", MAX_BYTES);
    private final Checksum checksum = new Checksum();

    @ParameterizedTest
    @EnumSource
    void aFrameCutShortIsWaitedFor(FrameType type) throws Exception {
        for (byte[] bytes : samples(type)) {
            for (int length = 0; length < bytes.length; length++) {
                assertThat(reader.read(Unpooled.wrappedBuffer(bytes, 0, length)))
                        .isNull();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFlippedBitIsNoticed(FrameType type) {
        for (byte[] bytes : samples(type)) {
            for (int bit = 0; bit < 8 * bytes.length; bit++) {
                assertThat(readOrRefuse(flipped(bytes, bit))).as("bit %d", bit).isNull();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFlippedBitUnderARightChecksumGivesAnotherFrameOrNone(FrameType type) {
        for (byte[] bytes : samples(type)) {
            for (int bit = 8 * EnvelopeView.VERSION_OFFSET; bit < 8 * bytes.length; bit++) {
                assertIsThatFrameOrNone(withRightChecksum(flipped(bytes, bit)));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPayloadCutShortOrLengthenedUnderARightChecksumGivesAnotherFrameOrNone(FrameType type) {
        for (byte[] bytes : samples(type)) {
            for (int length = EnvelopeView.BYTES; length < bytes.length + 20; length++) {
                byte[] other = Arrays.copyOf(bytes, length);
                Unpooled.wrappedBuffer(other).setInt(0, length - EnvelopeView.LENGTH_BYTES);
                assertIsThatFrameOrNone(withRightChecksum(other));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void randomPayloadsGiveAFrameOrNone(FrameType type) {
        RandomFrames random = new RandomFrames(SEED);
        byte[] sample = samples(type)[0];
        for (int i = 0; i < 2_000; i++) {
            byte[] payload = random.bytes(i % 150);
            byte[] other = Arrays.copyOf(sample, EnvelopeView.BYTES + payload.length);
            System.arraycopy(payload, 0, other, EnvelopeView.BYTES, payload.length);
            Unpooled.wrappedBuffer(other).setInt(0, other.length - EnvelopeView.LENGTH_BYTES);
            assertIsThatFrameOrNone(withRightChecksum(other));
        }
    }

    @Test
    void theTextSaysWhatIsWrong() {
        byte[] sample = samples(FrameType.COPY_CHUNK)[0];
        int lastPiece = EnvelopeView.BYTES + 8 + 4;

        assertRefused(with(sample, 0, 0x7F), "is not within 30 to 65532 bytes");
        assertRefused(with(sample, 0, 0xFF), "is not within 30 to 65532 bytes");
        assertRefused(with(sample, 0, 0, 0, 0, 29), "is not within 30 to 65532 bytes");
        assertRefused(with(sample, 8, 2), "protocol version 2 is not spoken here, only version 1");
        assertRefused(with(sample, 8, 0), "protocol version 0 is not spoken here, only version 1");
        assertRefused(with(sample, 9, 99), "unknown frame type 99");
        assertRefused(with(sample, 10, 99), "another cluster, this is 'test'");
        assertRefused(with(sample, 26, 0x80), "term is negative");
        assertRefused(with(sample, lastPiece, 2), "last piece is 2; it must be 0 or 1");
        assertRefused(with(sample, lastPiece + 1, 0x7F), "piece has 21");
        assertRefused(with(sample, lastPiece + 1, 0x80), "piece is negative");
    }

    @Test
    void aListLongerThanWhatWasReceivedIsRefusedBeforeItIsMade() {
        byte[] forward = samples(FrameType.FORWARD)[0];
        assertRefused(with(forward, EnvelopeView.BYTES + 16, 0, 0, 0xFF, 0xFF), "forward frame has 65535 entries");
        assertRefused(with(forward, EnvelopeView.BYTES + 16, 0x7F, 0xFF, 0xFF, 0xFF), "2147483647 entries");
        assertRefused(with(forward, EnvelopeView.BYTES + 16, 0xFF, 0xFF, 0xFF, 0xFF), "-1 entries");
    }

    @Test
    void anEntryWithANegativeNumberIsRefusedWhicheverItIs() throws Exception {
        Entry zero = new Entry(
                new ControlHeader(0, 0, Identity.NONE, 0, RequestKind.VIEW, 0, 0, 0, 0, -1),
                new byte[0],
                Decision.EXECUTE,
                -1,
                -1);
        byte[] bytes = EntryCodec.encode(zero);
        assertThat(EntryCodec.decode(bytes).header()).isEqualTo(zero.header());
        int[] term = {0, 8, 16, 24, 32, 41, 45, 53, 61};
        for (int offset : term) {
            byte[] other = bytes.clone();
            other[offset] = (byte) 0x80;
            assertThatThrownBy(() -> EntryCodec.decode(other))
                    .as("at %s", offset)
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("negative");
        }
    }

    @Test
    void anEntryThatIsCutOffIsRefusedWithTheNumbers() {
        ByteBuf buffer = Unpooled.buffer().writeZero(3);
        Entry random = new RandomFrames(SEED).entry();
        int body = 9;
        EntryView.write(new Entry(random.header(), new byte[body], random.decision(), 1, 2), buffer);
        int bodyLength = 3 + Entry.OVERHEAD_BYTES - 4;
        assertThatThrownBy(() -> new EntryView().wrap(buffer, 3, 3 + Entry.OVERHEAD_BYTES - 1))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("entry is cut off: " + Entry.OVERHEAD_BYTES + " bytes needed, " + (Entry.OVERHEAD_BYTES - 1)
                        + " left");
        assertThatThrownBy(() -> new EntryView().wrap(buffer, 3, buffer.writerIndex() - 1))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("entry's body has " + body + " bytes; " + (body - 1) + " are left");
        buffer.setInt(bodyLength, -1);
        assertThatThrownBy(() -> new EntryView().wrap(buffer, 3, buffer.writerIndex()))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("body has -1 bytes");
    }

    @Test
    void aListMayNotBeLongerThanWhatIsLeftForIt() throws Exception {
        ByteBuf buffer = Unpooled.buffer().writeZero(5).writeInt(2).writeZero(6);
        assertThat(new FieldReader().wrap(buffer, 5, 15).count("list", 2, 3)).isEqualTo(2);
        assertThatThrownBy(() -> new FieldReader().wrap(buffer, 5, 14).count("list", 2, 3))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("list has 2 elements; at most 2 are allowed, and 5 bytes are left for them");
        assertThatThrownBy(() -> new FieldReader().wrap(buffer, 5, 15).count("list", 1, 3))
                .isInstanceOf(ProtocolException.class);
        assertThatThrownBy(() -> new FieldReader().wrap(buffer, 5, 12).bits("digest"))
                .isInstanceOf(ProtocolException.class)
                .hasMessage("digest is cut off: 8 bytes needed, 7 left");
    }

    private byte[][] samples(FrameType type) {
        RandomFrames frames = new RandomFrames(SEED + type.ordinal());
        byte[][] samples = new byte[SAMPLES][];
        for (int i = 0; i < SAMPLES; i++) {
            samples[i] = encode(frames.next(type), writer);
        }
        return samples;
    }

    private static byte[] encode(Frame frame, FrameWriter writer) {
        ByteBuf buffer = Unpooled.buffer();
        writer.write(frame, buffer);
        return ByteBufUtil.getBytes(buffer);
    }

    private static byte[] flipped(byte[] bytes, int bit) {
        byte[] other = bytes.clone();
        other[bit / 8] ^= (byte) (1 << bit % 8);
        return other;
    }

    private byte[] with(byte[] bytes, int index, int... values) {
        byte[] other = bytes.clone();
        for (int i = 0; i < values.length; i++) {
            other[index + i] = (byte) values[i];
        }
        return withRightChecksum(other);
    }

    private byte[] withRightChecksum(byte[] bytes) {
        ByteBuf buffer = Unpooled.wrappedBuffer(bytes);
        int checked = EnvelopeView.VERSION_OFFSET;
        buffer.setInt(EnvelopeView.CHECKSUM_OFFSET, checksum.of(buffer, checked, bytes.length - checked));
        return bytes;
    }

    private @Nullable Frame readOrRefuse(byte[] bytes) {
        try {
            return reader.read(Unpooled.wrappedBuffer(bytes));
        } catch (ProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
            return null;
        }
    }

    /** One frame has one encoding: what was read from the bytes is written as those bytes. */
    private void assertIsThatFrameOrNone(byte[] bytes) {
        Frame frame = readOrRefuse(bytes);
        if (frame != null) {
            FrameWriter again = new FrameWriter("test", reader.envelope().incarnation(), MAX_BYTES);
            assertThat(encode(frame, again)).as(frame.toString()).isEqualTo(bytes);
        }
    }

    private void assertRefused(byte[] bytes, String text) {
        assertThatThrownBy(() -> reader.read(Unpooled.wrappedBuffer(bytes)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining(text);
    }
}
