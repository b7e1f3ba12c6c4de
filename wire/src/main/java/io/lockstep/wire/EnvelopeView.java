package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * One frame's envelope, read in place: points into the buffer and allocates nothing. Used by one thread at a time, and
 * only until the buffer changes.
 *
 * <pre>
 *  0  length of what follows (4)
 *  4  checksum of what follows it, CRC32C (4)
 *  8  protocol version (1)
 *  9  frame type (1)
 * 10  cluster id (8)
 * 18  incarnation of the sender (8)
 * 26  term (8)
 * 34  payload
 * </pre>
 */
public final class EnvelopeView {
    /** Length of an envelope without payload. */
    public static final int BYTES = 34;

    /** Version of the protocol that is spoken here; the only one so far. */
    public static final int PROTOCOL_VERSION = 1;

    static final int LENGTH_BYTES = 4;
    static final int CHECKSUM_OFFSET = 4;
    static final int VERSION_OFFSET = 8;
    private static final int TYPE_OFFSET = 9;
    private static final int CLUSTER_OFFSET = 10;
    private static final int INCARNATION_OFFSET = 18;
    private static final int TERM_OFFSET = 26;

    private final Checksum checksum = new Checksum();
    private final String cluster;
    private final long clusterId;
    private final int maxFrameBytes;

    private ByteBuf buffer = io.netty.buffer.Unpooled.EMPTY_BUFFER;
    private int index;
    private int end;
    private FrameType type = FrameType.HELLO;

    EnvelopeView(String cluster, int maxFrameBytes) {
        this.cluster = cluster;
        this.clusterId = clusterId(cluster);
        this.maxFrameBytes = maxFrameBytes;
    }

    /** What stands for the cluster's name in every frame: the first 8 bytes of its SHA-256. */
    static long clusterId(String cluster) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(cluster.getBytes(StandardCharsets.UTF_8));
            return java.nio.ByteBuffer.wrap(digest).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /**
     * Points at the frame that starts at an index, and checks all of its envelope.
     *
     * @param end where the received bytes end
     * @return whether the frame is complete; if not, nothing but its length and version is known to be right
     * @throws ProtocolException when the bytes are no frame of this cluster and version
     */
    boolean wrap(ByteBuf buffer, int index, int end) throws ProtocolException {
        int received = end - index;
        if (received < LENGTH_BYTES) {
            return false;
        }
        int length = buffer.getInt(index);
        if (length < BYTES - LENGTH_BYTES || length > maxFrameBytes - LENGTH_BYTES) {
            throw new ProtocolException("frame length " + length + " is not within " + (BYTES - LENGTH_BYTES) + " to "
                    + (maxFrameBytes - LENGTH_BYTES) + " bytes");
        }
        if (received > VERSION_OFFSET && buffer.getByte(index + VERSION_OFFSET) != PROTOCOL_VERSION) {
            throw new ProtocolException("protocol version " + buffer.getUnsignedByte(index + VERSION_OFFSET)
                    + " is not spoken here, only version " + PROTOCOL_VERSION + "; run the same release on both sides");
        }
        if (received < LENGTH_BYTES + length) {
            return false;
        }
        this.buffer = buffer;
        this.index = index;
        this.end = index + LENGTH_BYTES + length;
        checkContents();
        return true;
    }

    private void checkContents() throws ProtocolException {
        int expected = buffer.getInt(index + CHECKSUM_OFFSET);
        int actual = checksum.of(buffer, index + VERSION_OFFSET, end - index - VERSION_OFFSET);
        if (actual != expected) {
            throw new ProtocolException("frame checksum is " + Integer.toHexString(actual) + " and should be "
                    + Integer.toHexString(expected) + ": the bytes were damaged on the way");
        }
        if (buffer.getLong(index + CLUSTER_OFFSET) != clusterId) {
            throw new ProtocolException("the sender belongs to another cluster, this is '" + cluster
                    + "'; give both the same cluster name, or this one another address");
        }
        if (term() < 0) {
            throw new ProtocolException("term is negative: " + term());
        }
        try {
            type = FrameType.of(buffer.getUnsignedByte(index + TYPE_OFFSET));
        } catch (IllegalArgumentException e) {
            throw ProtocolException.of(e);
        }
    }

    /** What the payload is. */
    public FrameType type() {
        return type;
    }

    /** Which run of the sender speaks. */
    public long incarnation() {
        return buffer.getLong(index + INCARNATION_OFFSET);
    }

    /** Term in which it was said, 0 or more. */
    public long term() {
        return buffer.getLong(index + TERM_OFFSET);
    }

    /** Length of the whole frame. */
    public int frameBytes() {
        return end - index;
    }

    ByteBuf buffer() {
        return buffer;
    }

    int payloadIndex() {
        return index + BYTES;
    }

    int payloadEnd() {
        return end;
    }
}
