package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What travels with every message is written, and looked at in place, without allocating. */
class HotPathAllocationTest {
    private static final int FRAMES = 20_000;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final FrameWriter writer = new FrameWriter("test", 1, 1 << 20);
    private final FrameReader reader = new FrameReader("test", 1 << 20);
    private final ForwardView forward = new ForwardView();
    private final EntryView entry = new EntryView();
    private long sum;

    @ParameterizedTest
    @EnumSource(names = {"ASK", "REPLY", "FORWARD", "ACKNOWLEDGE"})
    void writingAndReadingInPlaceAllocateNothing(FrameType type) throws Exception {
        Frame frame = new RandomFrames(5).next(type);
        ByteBuf buffer = Unpooled.directBuffer(64 << 10);
        writeAndRead(frame, buffer); // loads classes

        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < FRAMES; i++) {
            writeAndRead(frame, buffer);
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        assertThat(allocated).as("bytes in %d frames", FRAMES).isLessThan(FRAMES);
        assertThat(sum).isNotZero();
        buffer.release();
    }

    private void writeAndRead(Frame frame, ByteBuf buffer) throws ProtocolException {
        writer.write(frame, buffer.clear());
        reader.next(buffer);
        sum += reader.envelope().incarnation();
        if (reader.envelope().type() == FrameType.FORWARD) {
            forward.wrap(reader.envelope());
            while (forward.next(entry)) {
                sum += entry.position() | 1;
            }
        }
    }
}
