package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.h2.api.ErrorCode;
import org.h2.message.DbException;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/**
 * Large objects of a session that travel by name. Touched only by whoever holds the session's lock.
 *
 * <p>Up: the client sends pieces, and the next statement names them; then they are forgotten. Down: an answer names an
 * object, whose content stays where H2 has it, and the client asks for pieces.
 */
final class SessionLobs implements LobReferences {
    /** Up to this an object travels within the answer, in characters or bytes. */
    static final int INLINE_MAX = 16 << 10;

    /** Names that a session can ask for; the eldest go first. A copy takes the contents of all of them. */
    private static final int NAMES_MAX = 1_024;

    private static final int PIECE_BYTES_MAX = 1 << 20;

    /** By the client's number: what it has sent. */
    final Map<Long, ByteArrayOutputStream> uploads = new TreeMap<>();

    /** By our number: what answers have named. */
    final LinkedHashMap<Long, ValueLob> named = new LinkedHashMap<>();

    long lastName;

    /** Whether it is too long to travel within an answer. */
    static boolean isLong(Value value) {
        return value instanceof ValueLob lob
                && (lob.getValueType() == Value.BLOB ? lob.octetLength() : lob.charLength()) > INLINE_MAX;
    }

    @Override
    public long nameOf(ValueLob lob) {
        if (!isLong(lob)) {
            return 0;
        }
        named.put(++lastName, lob);
        if (named.size() > NAMES_MAX) {
            named.remove(named.keySet().iterator().next());
        }
        return lastName;
    }

    @Override
    public @Nullable ValueLob find(long name, int valueType, long bytes, long characters) {
        ByteArrayOutputStream content = uploads.get(name);
        if (content == null) {
            return null;
        }
        return valueType == Value.BLOB
                ? ValueBlob.createSmall(content.toByteArray())
                : ValueClob.createSmall(content.toByteArray());
    }

    /** Adds a piece. @throws DbException it does not follow the one before */
    void write(long name, long offset, byte[] bytes, long bytesMax) {
        ByteArrayOutputStream content = uploads.computeIfAbsent(name, first -> new ByteArrayOutputStream());
        if (offset != content.size()) {
            throw DbException.getInvalidValueException("offset", offset);
        }
        long all =
                uploads.values().stream().mapToLong(ByteArrayOutputStream::size).sum();
        if (all + bytes.length > bytesMax) {
            uploads.clear();
            throw new LimitException("Large objects on their way up would take more than the " + bytesMax
                    + " bytes of the setting result-max-bytes");
        }
        content.writeBytes(bytes);
    }

    /** The session has ended. */
    void forget() {
        uploads.clear();
        named.clear();
    }

    /** What was sent has been used. */
    void forgetUploads() {
        uploads.clear();
    }

    /**
     * A piece of an object's content; of a character object's in UTF-8. Only a read may ask for it: what H2 has thrown
     * away by now may differ.
     *
     * @param lob null when it is not named any more
     */
    static SqlOutcome piece(SqlAction.ReadLob read, @Nullable ValueLob lob) {
        try {
            if (lob == null) {
                throw DbException.get(ErrorCode.LOB_CLOSED_ON_TIMEOUT_1, Long.toString(read.lob()));
            }
            long length = lob.getValueType() == Value.BLOB ? lob.octetLength() : -1;
            try (InputStream in = lob.getLobData().getInputStream(length)) {
                in.skipNBytes(read.offset());
                int wanted = Math.min(read.length(), PIECE_BYTES_MAX);
                byte[] piece = in.readNBytes(wanted);
                return new SqlOutcome.Piece(piece, piece.length < wanted || in.read() < 0);
            }
        } catch (EOFException e) {
            return new SqlOutcome.Piece(new byte[0], true);
        } catch (DbException e) {
            return SqlErrors.told(e, null);
        } catch (IOException e) {
            return SqlErrors.told(DbException.convertIOException(e, null), null);
        }
    }
}
