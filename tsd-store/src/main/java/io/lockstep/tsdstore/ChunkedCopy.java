package io.lockstep.tsdstore;

import com.dynatrace.hash4j.hashing.HashStream64;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.util.NoSuchElementException;
import java.util.zip.CRC32C;

/**
 * Cuts the items of a state into pieces: index, CRC32C over index and content, content. The last item is the digest over
 * all others, which is also the digest of the state. Made by the lane, then touched by one other thread.
 */
final class ChunkedCopy implements StateCopy {
    static final int PIECE_MAX_BYTES = 256 << 10;
    static final int PIECE_HEAD_BYTES = 8;

    private final StateItems items;
    private final Identity at;
    private final long chain;
    private final StateWriter out = new StateWriter();
    private final HashStream64 hash = Digests.start();
    private int index;
    private boolean isComplete;
    private boolean isClosed;

    ChunkedCopy(StateItems items, Identity at, long chain) {
        this.items = items;
        this.at = at;
        this.chain = chain;
    }

    @Override
    public Identity at() {
        return at;
    }

    @Override
    public long chain() {
        return chain;
    }

    @Override
    public boolean hasNext() {
        return !isClosed && (!isComplete || out.size() > 0);
    }

    @Override
    public byte[] next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the copy has no more pieces");
        }
        fill();
        int bytes = Math.min(out.size(), PIECE_MAX_BYTES - PIECE_HEAD_BYTES);
        ByteBuffer piece = ByteBuffer.allocate(PIECE_HEAD_BYTES + bytes);
        piece.putInt(index).putInt(0).put(out.buffer(), 0, bytes);
        piece.putInt(Integer.BYTES, checksum(index, piece.array()));
        index++;
        out.drop(bytes);
        return piece.array();
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            items.close();
        }
    }

    static int checksum(int index, byte[] piece) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, index));
        crc.update(piece, PIECE_HEAD_BYTES, piece.length - PIECE_HEAD_BYTES);
        return (int) crc.getValue();
    }

    private void fill() {
        while (!isComplete && out.size() < PIECE_MAX_BYTES) {
            int before = out.size();
            if (items.writeNext(out)) {
                hash.putBytes(out.buffer(), before, out.size() - before);
            } else {
                out.begin(StateTag.END);
                out.putLong(hash.getAsLong());
                out.end();
                isComplete = true;
                items.close();
            }
        }
    }
}
