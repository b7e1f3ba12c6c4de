package io.lockstep.wire;

/** Upper bounds of what travels; checked before anything is allocated, on both sides. */
public final class Limits {
    /** Default of {@link TransportConfig#maxFrameBytes}. */
    public static final int FRAME_MAX_BYTES_DEFAULT = 4 << 20;

    /** Names of processes, nodes and clusters, in UTF-8. */
    public static final int NAME_MAX_BYTES = 64;

    /** Texts for people: reasons, causes, details; a longer one is cut when it is sent. */
    public static final int TEXT_MAX_BYTES = 4096;

    /** Backups of a view, and its voters. */
    public static final int MEMBERS_MAX = 64;

    /** Entries of one forward frame. */
    public static final int FORWARD_ENTRIES_MAX = 1 << 16;

    /** Tables of one {@link Frame.Sums}. */
    public static final int TABLE_SUMS_MAX = 1024;

    /** Parts of one {@link Frame.Narrow}. */
    public static final int ROW_SUMS_MAX = 256;

    /** Counter of a ballot: so that a higher one always remains, whatever somebody claims to have seen. */
    public static final long BALLOT_MAX = 1L << 62;

    /** A greeting, or a farewell in its place. */
    static final int GREETING_MAX_BYTES = 2 * TEXT_MAX_BYTES;

    /** What a frame may hold beside the body of a request, an answer or one entry. */
    private static final int BODY_ROOM_BYTES = 1024;

    private Limits() {}

    /**
     * Longest body of a request, an answer, an entry or a piece of a copy, so that whatever was asked can also be
     * forwarded and answered.
     *
     * @param maxFrameBytes the frame's limit, see {@link TransportConfig#maxFrameBytes}
     */
    public static int bodyMaxBytes(int maxFrameBytes) {
        return maxFrameBytes - BODY_ROOM_BYTES;
    }
}
