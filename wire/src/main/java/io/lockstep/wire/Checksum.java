package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import java.util.zip.CRC32C;

/** CRC32C (RFC 3720, appendix B.4) over a part of a buffer, without allocating. Used by one thread at a time. */
final class Checksum {
    private final CRC32C crc = new CRC32C();

    int of(ByteBuf buffer, int index, int length) {
        crc.reset();
        if (buffer.hasArray()) {
            crc.update(buffer.array(), buffer.arrayOffset() + index, length);
        } else if (buffer.nioBufferCount() == 1) {
            crc.update(buffer.internalNioBuffer(index, length));
        } else {
            for (java.nio.ByteBuffer part : buffer.nioBuffers(index, length)) {
                crc.update(part);
            }
        }
        return (int) crc.getValue();
    }
}
