package io.lockstep.membership;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.ProtocolException;
import io.lockstep.wire.View;
import io.lockstep.wire.ViewCodec;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A voter's record on disk. Touched only by the voter's thread, but for {@link #close}.
 *
 * <p>The file holds the record twice. A save writes and flushes the first slot, then the second, and only then returns;
 * so whatever has been answered is in both slots, and a bad one was either torn by a crash in a save that was never
 * answered, or has gone bad at rest: in both cases the other one may be used. With one copy in turns the two cases could
 * not be told apart, and a flipped bit could bring back a promise that was already superseded. Both slots bad: the voter
 * does not start.
 *
 * <p>Layout of a slot of {@value #SLOT_BYTES} bytes: magic, slot number, sequence, length (int, long, int), payload,
 * CRC32C over everything before it; at the end of the slot the file's inode and a CRC32C of it. Payload: disk id, promised
 * and accepted ballot, whether it votes, the view.
 *
 * <p>A voter's memory must exist once: two processes with copies of it would make two majorities, and a copy of former
 * days has forgotten what was promised since. A copy is another inode, so it is refused, where the file system has inodes.
 */
public final class RegisterFile implements RegisterStore, Closeable {
    static final int SLOT_BYTES = 16 * 1024;
    /** "LSREG" and a version of the layout. */
    private static final long MAGIC = 0x4C53_5245_4700_0001L;

    private static final int HEADER_BYTES = Long.BYTES + Integer.BYTES + Long.BYTES + Integer.BYTES;
    private static final int FIXED_PAYLOAD_BYTES = 5 * Long.BYTES + 1 + 1;
    private static final int HOME_BYTES = Long.BYTES + Integer.BYTES;
    private static final int PAYLOAD_MAX_BYTES = SLOT_BYTES - HEADER_BYTES - Integer.BYTES - HOME_BYTES;
    /** No file has this inode. */
    private static final long NO_INODE = 0;

    private final Path path;
    private final FileChannel channel;
    private final FileLock lock;
    private final long inode;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(SLOT_BYTES);
    private VoterRecord record;
    private long sequence;
    private boolean failed;

    private RegisterFile(Path path, FileChannel channel, FileLock lock, long inode, Slot newest) {
        this.path = path;
        this.channel = channel;
        this.lock = lock;
        this.inode = inode;
        this.record = newest.record;
        this.sequence = newest.sequence;
    }

    /**
     * Opens the file, or makes it: then the disk is new.
     *
     * @param path of the file; its folder must exist
     * @param diskIds source of the id of a new disk
     * @throws IOException when another process has it open, when it is a copy, when neither slot is whole, or on a failed
     *     read, write or flush
     */
    public static RegisterFile open(Path path, LongSupplier diskIds) throws IOException {
        if (!Files.exists(path)) {
            create(path, diskIds);
        }
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            FileLock lock = lock(path, channel);
            Slot newest = newest(path, readSlot(channel, 0), readSlot(channel, 1));
            long inode = inode(path);
            checkHome(path, channel, inode);
            RegisterFile file = new RegisterFile(path, channel, lock, inode, newest);
            // After a failed flush the page cache may show what the disk lacks: only what is flushed now is certain.
            // This also mends a bad slot.
            file.save(newest.record);
            return file;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public VoterRecord record() {
        return record;
    }

    @Override
    public void save(VoterRecord next) throws IOException {
        if (failed) {
            throw new IOException(path + " failed earlier and is not written any more");
        }
        failed = true;
        write(path, channel, buffer, next, sequence + 1, inode);
        failed = false;
        sequence++;
        record = next;
    }

    @Override
    public void close() throws IOException {
        lock.release();
        channel.close();
    }

    // ---- file -----------------------------------------------------------------------------------------------------

    /** A file with that name is whole from its first moment, so that a bad one is never mistaken for a new one. */
    private static void create(Path path, LongSupplier diskIds) throws IOException {
        Path made = path.resolveSibling(path.getFileName() + ".new");
        try (FileChannel channel = FileChannel.open(
                made, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.allocate(SLOT_BYTES);
            write(made, channel, buffer, VoterRecord.ofNewDisk(newDiskId(diskIds)), 1, inode(made));
        }
        Files.move(made, path, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel folder = FileChannel.open(folderOf(path), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }

    private static long newDiskId(LongSupplier diskIds) {
        long id = diskIds.getAsLong();
        while (id == RegisterProposer.NO_DISK) {
            id = diskIds.getAsLong();
        }
        return id;
    }

    private static Path folderOf(Path path) {
        Path folder = path.toAbsolutePath().getParent();
        return folder == null ? path.toAbsolutePath() : folder;
    }

    private static FileLock lock(Path path, FileChannel channel) throws IOException {
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            throw new IOException(path + " is open already in this process", e);
        }
        if (lock == null) {
            throw new IOException(path + " is open in another process: one voter, one process");
        }
        return lock;
    }

    private static void write(
            Path path, FileChannel channel, ByteBuffer buffer, VoterRecord record, long sequence, long inode)
            throws IOException {
        try {
            for (int slot = 0; slot < 2; slot++) {
                encode(buffer, slot, sequence, record, inode);
                long at = (long) slot * SLOT_BYTES;
                while (buffer.hasRemaining()) {
                    at += channel.write(buffer, at);
                }
                channel.force(false);
            }
        } catch (IOException e) {
            throw new IOException(
                    path + " cannot be written: " + e.getMessage()
                            + ". This voter must not promise what it cannot save,"
                            + " so it ends. Make room on that disk, or mend it, and start it again",
                    e);
        }
    }

    private static Slot newest(Path path, @Nullable Slot first, @Nullable Slot second) throws IOException {
        if (first == null && second == null) {
            throw new IOException(
                    path + " is damaged in both copies. This voter may have promised what it can no longer"
                            + " tell, so it does not start. If the other voters are a majority, remove the file: the voter"
                            + " then begins with a new disk, and votes again when they have admitted it");
        }
        if (first == null || (second != null && second.sequence > first.sequence)) {
            return Objects.requireNonNull(second);
        }
        return first;
    }

    // ---- the one file and its copies ------------------------------------------------------------------------------

    private static long inode(Path path) throws IOException {
        try {
            return Files.getAttribute(path, "unix:ino") instanceof Number number ? number.longValue() : NO_INODE;
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            return NO_INODE; // this file system has none
        }
    }

    private static void checkHome(Path path, FileChannel channel, long inode) throws IOException {
        for (int slot = 0; slot < 2; slot++) {
            ByteBuffer bytes = read(channel, (long) (slot + 1) * SLOT_BYTES - HOME_BYTES, HOME_BYTES);
            boolean isWhole = bytes.remaining() == HOME_BYTES && bytes.getInt(Long.BYTES) == crc(bytes, Long.BYTES);
            long written = isWhole ? bytes.getLong() : NO_INODE;
            if (inode != NO_INODE && written != NO_INODE && written != inode) {
                throw new IOException(path + " is a copy: it was written as inode " + written + " and is inode " + inode
                        + ". With two copies of a voter's memory two nodes could lead at once, and an old one has"
                        + " forgotten what it promised since, so this voter does not start. Start it where the file"
                        + " itself is. If that is lost and the other voters are a majority, remove this file: the voter"
                        + " then begins with a new disk, and votes again when they have admitted it");
            }
        }
    }

    // ---- slot -----------------------------------------------------------------------------------------------------

    private record Slot(long sequence, VoterRecord record) {}

    private static void encode(ByteBuffer buffer, int slot, long sequence, VoterRecord record, long inode) {
        byte[] view = record.value().map(ViewCodec::encode).orElse(new byte[0]);
        int length = FIXED_PAYLOAD_BYTES + view.length;
        Invariant.check(length <= PAYLOAD_MAX_BYTES, "view too long for the register", view.length, PAYLOAD_MAX_BYTES);
        buffer.clear();
        buffer.putLong(MAGIC).putInt(slot).putLong(sequence).putInt(length);
        buffer.putLong(record.diskId());
        putBallot(buffer, record.promised());
        putBallot(buffer, record.accepted());
        buffer.put((byte) (record.voting() ? 1 : 0));
        buffer.put((byte) (record.value().isPresent() ? 1 : 0));
        buffer.put(view);
        buffer.putInt(crc(buffer, buffer.position()));
        while (buffer.position() < SLOT_BYTES - HOME_BYTES) {
            buffer.put((byte) 0);
        }
        buffer.putLong(inode);
        buffer.putInt(crc(buffer.duplicate().position(SLOT_BYTES - HOME_BYTES).slice(), Long.BYTES));
        buffer.flip();
    }

    /** The slot, or null when it is not whole. */
    private static @Nullable Slot readSlot(FileChannel channel, int slot) throws IOException {
        ByteBuffer bytes = read(channel, (long) slot * SLOT_BYTES, SLOT_BYTES);
        if (bytes.remaining() < HEADER_BYTES || bytes.getLong() != MAGIC || bytes.getInt() != slot) {
            return null;
        }
        long sequence = bytes.getLong();
        int length = bytes.getInt();
        if (length < FIXED_PAYLOAD_BYTES
                || length > PAYLOAD_MAX_BYTES
                || bytes.limit() < HEADER_BYTES + length + Integer.BYTES
                || bytes.getInt(HEADER_BYTES + length) != crc(bytes, HEADER_BYTES + length)) {
            return null;
        }
        return new Slot(sequence, decode(bytes, length));
    }

    /** What is there, up to so many bytes. */
    private static ByteBuffer read(FileChannel channel, long at, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining() && channel.read(bytes, at + bytes.position()) >= 0) {
            // the next ones
        }
        return bytes.flip();
    }

    private static VoterRecord decode(ByteBuffer bytes, int length) throws IOException {
        long diskId = bytes.getLong();
        Ballot promised = new Ballot(bytes.getLong(), bytes.getLong());
        Ballot accepted = new Ballot(bytes.getLong(), bytes.getLong());
        boolean voting = bytes.get() == 1;
        boolean present = bytes.get() == 1;
        byte[] view = new byte[length - FIXED_PAYLOAD_BYTES];
        bytes.get(view);
        try {
            Optional<View> value = present ? Optional.of(ViewCodec.decode(view)) : Optional.empty();
            return new VoterRecord(diskId, promised, accepted, value, voting);
        } catch (ProtocolException e) {
            throw new IOException("the register's view has a good checksum and cannot be read: another version?", e);
        }
    }

    private static void putBallot(ByteBuffer buffer, Ballot ballot) {
        buffer.putLong(ballot.counter()).putLong(ballot.proposer());
    }

    private static int crc(ByteBuffer bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate().position(0).limit(length));
        return (int) crc.getValue();
    }
}
