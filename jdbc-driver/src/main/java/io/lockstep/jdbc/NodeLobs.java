package io.lockstep.jdbc;

import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.util.Arrays;
import org.h2.message.DbException;
import org.h2.mvstore.DataUtils;
import org.h2.store.DataHandler;
import org.h2.store.FileStore;
import org.h2.store.LobStorageInterface;
import org.h2.store.fs.FileUtils;
import org.h2.util.SmallLRUCache;
import org.h2.util.TempFileDeleter;
import org.h2.value.CompareMode;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.h2.value.ValueLob;
import org.h2.value.lob.ForeignLobData;
import org.h2.value.lob.LobDataInMemory;
import org.jspecify.annotations.Nullable;

/**
 * Large objects on their way: down, a row names one and its content is asked for by offset, again after a takeover if need
 * be; up, short ones travel with their message, and of long ones the message names pieces that went before it. Touched only
 * under the session's lock, but for what H2 asks about itself.
 */
final class NodeLobs implements DataHandler, LobStorageInterface, LobReferences {
    /** Up to this an object travels within its message. */
    private static final int INLINE_MAX_BYTES = 256 << 10;

    private static final int PIECE_BYTES = 256 << 10;

    private final SqlSession session;
    private final Object syncObject = new Object();
    private @Nullable TempFileDeleter deleter;
    private long lastUpload;

    NodeLobs(SqlSession session) {
        this.session = session;
    }

    // ---- up -------------------------------------------------------------------------------------------------------

    /** The same values, with long objects replaced by names of pieces that are sent here. */
    @Nullable Value[] portable(@Nullable Value[] values) {
        @Nullable Value[] result = values;
        for (int i = 0; i < values.length; i++) {
            if (values[i] instanceof ValueLob lob && !isShort(lob)) {
                if (result == values) {
                    result = values.clone();
                }
                result[i] = uploaded(lob);
            }
        }
        return result;
    }

    private static boolean isShort(ValueLob lob) {
        return lob.getLobData() instanceof LobDataInMemory && lob.octetLength() <= INLINE_MAX_BYTES;
    }

    private ValueLob uploaded(ValueLob lob) {
        boolean isBlob = lob.getValueType() == Value.BLOB;
        try (InputStream in = isBlob ? lob.getInputStream() : utf8(lob)) {
            byte[] first = in.readNBytes(INLINE_MAX_BYTES + 1);
            if (first.length <= INLINE_MAX_BYTES) {
                return isBlob ? ValueBlob.createSmall(first) : ValueClob.createSmall(first);
            }
            long name = ++lastUpload;
            long offset = 0;
            for (byte[] piece = first; piece.length > 0; piece = in.readNBytes(PIECE_BYTES)) {
                session.ask(new SqlAction.WriteLob(name, offset, piece));
                offset += piece.length;
            }
            Uploaded data = new Uploaded(name);
            return isBlob ? new ValueBlob(data, offset) : new ValueClob(data, offset, lob.charLength());
        } catch (IOException e) {
            throw DbException.convertIOException(e, null);
        }
    }

    private static InputStream utf8(ValueLob clob) {
        return clob.getLobData() instanceof LobDataInMemory
                ? new ByteArrayInputStream(clob.getBytesNoCopy())
                : clob.getLobData().getInputStream(-1);
    }

    @Override
    public long nameOf(ValueLob lob) {
        return lob.getLobData() instanceof Uploaded uploaded ? uploaded.name : 0;
    }

    /** What the nodes already have under a name of ours. */
    private static final class Uploaded extends ForeignLobData {
        private final long name;

        Uploaded(long name) {
            this.name = name;
        }

        @Override
        public InputStream getInputStream(long precision) {
            throw DbException.getInternalError("the content of an object on its way up");
        }
    }

    // ---- down -----------------------------------------------------------------------------------------------------

    @Override
    public ValueLob find(long name, int valueType, long bytes, long characters) {
        Named data = new Named(name);
        return valueType == Value.BLOB ? new ValueBlob(data, bytes) : new ValueClob(data, bytes, characters);
    }

    /** What the nodes keep under a name of theirs. */
    private final class Named extends ForeignLobData {
        private final long name;

        Named(long name) {
            this.name = name;
        }

        @Override
        public InputStream getInputStream(long precision) {
            return new BufferedInputStream(new Pieces(name));
        }
    }

    /** Reads an object piece by piece. */
    private final class Pieces extends InputStream {
        private final long name;
        private byte[] piece = new byte[0];
        private int at;
        private long offset;
        private boolean isLast;

        Pieces(long name) {
            this.name = name;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int from, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            while (at == piece.length) {
                if (isLast) {
                    return -1;
                }
                more();
            }
            int count = Math.min(length, piece.length - at);
            System.arraycopy(piece, at, into, from, count);
            at += count;
            return count;
        }

        @Override
        public long skip(long count) throws IOException {
            long here = Math.min(Math.max(0, count), piece.length - at);
            at += (int) here;
            if (at == piece.length && count > here && !isLast) {
                offset += count - here; // asked for from there; an offset beyond the end is the end
                return count;
            }
            return here;
        }

        private void more() throws IOException {
            try {
                SqlAction.ReadLob action = new SqlAction.ReadLob(name, offset, PIECE_BYTES);
                SqlOutcome.Piece next = session.expect(SqlOutcome.Piece.class, session.askReadFirst(action, action));
                piece = next.bytes();
                at = 0;
                offset += piece.length;
                isLast = next.isLast() || piece.length == 0;
            } catch (DbException e) {
                throw DataUtils.convertToIOException(e);
            }
        }
    }

    // ---- what H2 asks for a large object that the application makes -----------------------------------------------

    @Override
    public ValueBlob createBlob(InputStream in, long maxLength) {
        return ValueBlob.createTempBlob(in, maxLength, this);
    }

    /** By way of bytes: H2's own way tears characters of two halves where they meet the end of a buffer. */
    @Override
    public ValueClob createClob(Reader in, long maxLength) {
        Utf8Stream bytes = new Utf8Stream(in, maxLength < 0 ? Long.MAX_VALUE : maxLength);
        ValueBlob blob = ValueBlob.createTempBlob(bytes, -1, this);
        return new ValueClob(blob.getLobData(), blob.octetLength(), bytes.characters());
    }

    @Override
    public int getMaxLengthInplaceLob() {
        return INLINE_MAX_BYTES;
    }

    @Override
    public FileStore openFile(String name, String mode, boolean mustExist) {
        if (mustExist && !FileUtils.exists(name)) {
            throw DbException.get(org.h2.api.ErrorCode.FILE_NOT_FOUND_1, name);
        }
        FileStore store = FileStore.open(this, name, mode);
        store.setCheckedWriting(false);
        try {
            store.init();
        } catch (DbException e) {
            store.closeSilently();
            throw e;
        }
        return store;
    }

    @Override
    public TempFileDeleter getTempFileDeleter() {
        synchronized (syncObject) {
            TempFileDeleter known = deleter;
            if (known == null) {
                known = TempFileDeleter.getInstance();
                deleter = known;
            }
            return known;
        }
    }

    @Override
    public CompareMode getCompareMode() {
        return CompareMode.getInstance(null, 0);
    }

    @Override
    public LobStorageInterface getLobStorage() {
        return this;
    }

    @Override
    public Object getLobSyncObject() {
        return syncObject;
    }

    @Override
    public String getDatabasePath() {
        return "";
    }

    @Override
    public boolean isReadOnly() {
        return false;
    }

    @Override
    public void checkPowerOff() {}

    @Override
    public void checkWritingAllowed() {}

    @Override
    public void removeLob(ValueLob lob) {}

    @Override
    public void close() {}

    @Override
    public @Nullable SmallLRUCache<String, String[]> getLobFileListCache() {
        return null;
    }

    // ---- what only H2's own storage is asked ----------------------------------------------------------------------

    @Override
    public ValueLob copyLob(ValueLob old, int tableId) {
        throw DbException.getUnsupportedException("copyLob");
    }

    @Override
    public InputStream getInputStream(long lobId, long byteCount) {
        throw DbException.getUnsupportedException("getInputStream");
    }

    @Override
    public InputStream getInputStream(long lobId, int tableId, long byteCount) {
        throw DbException.getUnsupportedException("getInputStream");
    }

    @Override
    public void removeAllForTable(int tableId) {
        throw DbException.getUnsupportedException("removeAllForTable");
    }

    @Override
    public int readLob(long lobId, byte[] hmac, long offset, byte[] buffer, int from, int length) {
        throw DbException.getUnsupportedException("readLob " + Arrays.toString(hmac));
    }
}
