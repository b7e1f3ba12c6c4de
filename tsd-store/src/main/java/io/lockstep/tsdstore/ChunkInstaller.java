package io.lockstep.tsdstore;

import com.dynatrace.hash4j.hashing.HashStream64;
import io.lockstep.wire.Invariant;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.Arrays;
import org.h2.message.DbException;
import org.jspecify.annotations.Nullable;

/** Puts the pieces of a {@link ChunkedCopy} together again. Touched by one thread at a time. */
final class ChunkInstaller implements CopyInstaller {
    private static final int ITEM_HEAD_BYTES = 5;

    private final TransactionService service;
    private final Records records;
    private final TsdStoreConfig config;
    private final StoreState state = new StoreState();
    private final StateItems.Installer installer;
    private final HashStream64 hash = Digests.start();
    /** Bytes that no whole item is made of yet. */
    private byte[] pending = new byte[2 * ChunkedCopy.PIECE_MAX_BYTES];

    private int pendingBytes;
    private int nextIndex;
    private @Nullable StateTag previousTag;
    private @Nullable Long digest;
    private boolean isOver;

    ChunkInstaller(TransactionService service, Records records, TsdStoreConfig config) {
        this.service = service;
        this.records = records;
        this.config = config;
        this.installer = new StateItems.Installer(state, service.name(), records.kind(), config);
    }

    @Override
    public void accept(byte[] piece) throws CopyBrokenException {
        Invariant.check(!isOver, "this installer is over");
        try {
            checkPiece(piece);
            append(piece);
            installWholeItems();
        } catch (CopyBrokenException e) {
            close();
            throw e;
        } catch (SQLException
                | DbException
                | IllegalArgumentException
                | IllegalStateException
                | BufferUnderflowException e) {
            close();
            throw new CopyBrokenException("piece " + nextIndex + " of the copy cannot be installed: " + e, e);
        }
    }

    @Override
    public TsdStore finish() throws CopyBrokenException {
        Invariant.check(!isOver, "this installer is over");
        if (digest == null || pendingBytes > 0) {
            close();
            throw new CopyBrokenException("the copy ends early, after piece " + (nextIndex - 1));
        }
        try {
            records.installed();
        } catch (SQLException e) {
            close();
            throw new CopyBrokenException("the copied records cannot be used: " + e, e);
        }
        TsdStore store = new TsdStore(service, records, config, state);
        long installed = store.digest();
        if (installed != digest) {
            close();
            throw new CopyBrokenException("the installed state has another digest than its source: "
                    + Long.toHexString(installed) + ", " + Long.toHexString(digest));
        }
        isOver = true;
        return store;
    }

    @Override
    public void close() {
        if (!isOver) {
            isOver = true;
            records.close();
        }
    }

    private void checkPiece(byte[] piece) throws CopyBrokenException {
        if (piece.length <= ChunkedCopy.PIECE_HEAD_BYTES || piece.length > ChunkedCopy.PIECE_MAX_BYTES) {
            throw new CopyBrokenException("piece " + nextIndex + " of the copy has " + piece.length + " bytes");
        }
        ByteBuffer head = ByteBuffer.wrap(piece);
        int index = head.getInt();
        if (index != nextIndex) {
            throw new CopyBrokenException("piece " + index + " of the copy instead of " + nextIndex);
        }
        if (head.getInt() != ChunkedCopy.checksum(index, piece)) {
            throw new CopyBrokenException("piece " + index + " of the copy is damaged");
        }
        nextIndex++;
    }

    private void append(byte[] piece) {
        int bytes = piece.length - ChunkedCopy.PIECE_HEAD_BYTES;
        if (pendingBytes + bytes > pending.length) {
            pending = Arrays.copyOf(pending, Math.addExact(pendingBytes, Math.max(bytes, pendingBytes)));
        }
        System.arraycopy(piece, ChunkedCopy.PIECE_HEAD_BYTES, pending, pendingBytes, bytes);
        pendingBytes += bytes;
    }

    private void installWholeItems() throws CopyBrokenException, SQLException {
        int start = 0;
        while (pendingBytes - start >= ITEM_HEAD_BYTES) {
            ByteBuffer in = ByteBuffer.wrap(pending, start, pendingBytes - start);
            int length = in.getInt();
            int tag = in.get() & 0xff;
            if (length < 0) {
                throw new CopyBrokenException("item of " + length + " bytes");
            }
            if (length > in.remaining()) {
                break;
            }
            int end = start + ITEM_HEAD_BYTES + length;
            install(StateTag.of(tag), new StateReader(in.slice(in.position(), length)));
            hash.putBytes(pending, start, end - start);
            start = end;
        }
        System.arraycopy(pending, start, pending, 0, pendingBytes - start);
        pendingBytes -= start;
    }

    private void install(StateTag tag, StateReader item) throws CopyBrokenException, SQLException {
        if (digest != null || (previousTag == null) != (tag == StateTag.HEAD)) {
            throw new CopyBrokenException("out of place: " + tag + " after " + previousTag);
        }
        previousTag = tag;
        switch (tag) {
            case HEAD, TERM, SESSION, RETAINED, TRANSACTION, EFFECT -> installer.install(tag, item);
            case SCHEMA_OBJECT,
                    TABLE,
                    ROWS,
                    SQL,
                    SEQUENCE,
                    SQL_SESSION,
                    SQL_SESSION_OBJECT,
                    SQL_CHANGES,
                    SQL_STANDING,
                    SQL_QUEUE,
                    SQL_CONVERSATION,
                    SQL_STATEMENT,
                    SQL_DEFERRED,
                    SQL_RESULT,
                    SQL_RESULT_ROWS,
                    SQL_OBJECT -> records.install(tag, item);
            case END -> {
                long expected = item.getLong();
                if (expected != hash.getAsLong()) {
                    throw new CopyBrokenException("the copy's digest is not that of its content");
                }
                digest = expected;
            }
        }
        if (item.hasMore()) {
            throw new CopyBrokenException("item " + tag + " is longer than its content");
        }
    }
}
