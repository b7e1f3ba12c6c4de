package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Whatever bytes come: a frame, entries, a view, or {@link ProtocolException}; and one encoding for each. */
class FrameFuzzTest {
    private static final int MAX_BYTES = 64 << 10;
    private static final FrameType[] TYPES = FrameType.values();
    private static final Path SEEDS = Path.of("src/test/resources/io/lockstep/wire/FrameFuzzTestInputs/payload");

    /** Payload of a frame in a good envelope; the first byte says of which type. */
    @FuzzTest(maxDuration = "5m")
    void payload(byte[] data) {
        if (data.length > 0 && data.length < MAX_BYTES - EnvelopeView.BYTES) {
            byte[] frame = framed(TYPES[Byte.toUnsignedInt(data[0]) % TYPES.length], data);
            decodesToItselfOrIsRefused(frame);
        }
    }

    /** Bytes as they come from a socket. */
    @FuzzTest(maxDuration = "5m")
    void stream(byte[] data) {
        FrameReader reader = new FrameReader("test", MAX_BYTES);
        ByteBuf in = Unpooled.wrappedBuffer(data);
        try {
            while (reader.read(in) != null) {
                assertThat(in.readerIndex()).isPositive();
            }
        } catch (ProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    /** A header with its body, as in a forward frame, a recording, a checkpoint. */
    @FuzzTest(maxDuration = "5m")
    void entry(byte[] data) {
        try {
            assertThat(EntryCodec.encode(EntryCodec.decode(data))).isEqualTo(data);
        } catch (ProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    /** The register's value. */
    @FuzzTest(maxDuration = "5m")
    void view(byte[] data) {
        try {
            assertThat(ViewCodec.encode(ViewCodec.decode(data))).isEqualTo(data);
        } catch (ProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    @Test
    void everyFrameTypeHasASeedThatDecodes() throws Exception {
        List<Integer> types;
        try (Stream<Path> seeds = Files.list(SEEDS)) {
            types = seeds.map(FrameFuzzTest::read)
                    .filter(seed -> decodesToItselfOrIsRefused(framed(TYPES[seed[0]], seed)))
                    .map(seed -> (int) seed[0])
                    .distinct()
                    .toList();
        }
        assertThat(types).hasSize(TYPES.length);
    }

    /** Reads the frame as an object and, where it has entries, in place; tells whether it is one. */
    private static boolean decodesToItselfOrIsRefused(byte[] bytes) {
        FrameReader reader = new FrameReader("test", MAX_BYTES);
        try {
            Frame frame = reader.read(Unpooled.wrappedBuffer(bytes));
            assertThat(frame).isNotNull();
            ByteBuf again = Unpooled.buffer();
            new FrameWriter("test", reader.envelope().incarnation(), MAX_BYTES).write(frame, again);
            assertThat(ByteBufUtil.getBytes(again)).as("%s", frame).isEqualTo(bytes);
            if (frame instanceof Frame.Forward forward) {
                readsTheSameInPlace(bytes, forward);
            }
            return true;
        } catch (ProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
            return false;
        }
    }

    private static void readsTheSameInPlace(byte[] bytes, Frame.Forward forward) throws ProtocolException {
        FrameReader reader = new FrameReader("test", MAX_BYTES);
        assertThat(reader.next(Unpooled.wrappedBuffer(bytes))).isTrue();
        ForwardView view = new ForwardView().wrap(reader.envelope());
        EntryView entry = new EntryView();
        int count = 0;
        while (view.next(entry)) {
            assertThat(EntryCodec.encode(entry.toEntry()))
                    .isEqualTo(EntryCodec.encode(forward.entries().get(count)));
            count++;
        }
        assertThat(count).isEqualTo(forward.entries().size());
    }

    private static byte[] framed(FrameType type, byte[] data) {
        ByteBuf envelope = Unpooled.buffer();
        new FrameWriter("test", 1, MAX_BYTES).write(new Frame.Goodbye(1, ""), envelope);
        byte[] frame = Arrays.copyOf(ByteBufUtil.getBytes(envelope), EnvelopeView.BYTES + data.length - 1);
        System.arraycopy(data, 1, frame, EnvelopeView.BYTES, data.length - 1);
        ByteBuf buffer = Unpooled.wrappedBuffer(frame);
        buffer.setInt(0, frame.length - EnvelopeView.LENGTH_BYTES);
        buffer.setByte(EnvelopeView.VERSION_OFFSET + 1, type.code());
        int checked = EnvelopeView.VERSION_OFFSET;
        buffer.setInt(EnvelopeView.CHECKSUM_OFFSET, new Checksum().of(buffer, checked, frame.length - checked));
        return frame;
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
