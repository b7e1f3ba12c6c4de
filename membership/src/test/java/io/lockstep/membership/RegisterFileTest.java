package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.View;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a voter has answered is in its file, whatever happens to the file afterwards; or the voter does not start. */
class RegisterFileTest {
    private static final long DISK_ID = 77;
    private static final int SLOT = RegisterFile.SLOT_BYTES;
    /** Longer than what is written into a slot here; the rest of a slot means nothing. */
    private static final int USED = 400;

    @TempDir
    Path folder;

    private static View view(long version) {
        return new View(
                version,
                version,
                new View.Member("n1", 11),
                List.of(new View.Member("n2", 12)),
                List.of(new View.Voter("n1", DISK_ID), new View.Voter("n2", 78), new View.Voter("d1", 79)),
                4711);
    }

    private static VoterRecord record(long counter) {
        Ballot ballot = new Ballot(counter, 5);
        return new VoterRecord(DISK_ID, ballot, ballot, Optional.of(view(counter)), true);
    }

    private Path path() {
        return folder.resolve("register");
    }

    private RegisterFile open() throws IOException {
        return RegisterFile.open(path(), () -> DISK_ID);
    }

    private VoterRecord reopened() throws IOException {
        try (RegisterFile file = open()) {
            return file.record();
        }
    }

    private byte[] saved(VoterRecord... records) throws IOException {
        try (RegisterFile file = open()) {
            for (VoterRecord record : records) {
                file.save(record);
            }
        }
        return Files.readAllBytes(path());
    }

    @Test
    void beginsWithANewDisk() throws IOException {
        assertThat(reopened()).isEqualTo(VoterRecord.ofNewDisk(DISK_ID));
        try (RegisterFile again = RegisterFile.open(path(), () -> 99)) {
            assertThat(again.record().diskId()).isEqualTo(DISK_ID);
        }
    }

    @Test
    void keepsWhatWasSaved() throws IOException {
        saved(record(1), record(2), record(3));
        assertThat(reopened()).isEqualTo(record(3));
    }

    @Test
    void aFileThatIsCutOffIsReadAsFarAsASlotIsWhole() throws IOException {
        byte[] good = saved(record(1), record(2));
        ByteBuffer second = ByteBuffer.wrap(good, SLOT, SLOT).slice();
        int end = SLOT + 24 + second.getInt(20) + 4;
        for (int length = SLOT; length <= end + 1; length++) {
            byte[] cut = Arrays.copyOf(good, length);
            Files.write(path(), cut);
            assertThat(reopened()).as("the first slot, cut at %d", length).isEqualTo(record(2));
            cut[0] ^= 1;
            Files.write(path(), cut);
            if (length < end) {
                assertThatThrownBy(this::open).as("cut at %d", length).hasMessageContaining("damaged in both copies");
            } else {
                assertThat(reopened())
                        .as("what follows a slot's checksum means nothing")
                        .isEqualTo(record(2));
            }
        }
    }

    @Test
    void aFileLeftHalfMadeIsNoDisk() throws IOException {
        Files.write(folder.resolve("register.new"), new byte[] {1, 2, 3});
        assertThat(reopened()).isEqualTo(VoterRecord.ofNewDisk(DISK_ID));
    }

    /** A save writes and flushes one slot and then the other; a crash may leave any prefix of either. */
    @Test
    void aTornSaveAtEachByteLeavesTheOldRecordOrTheNewOne() throws IOException {
        byte[] before = saved(record(1));
        byte[] after = saved(record(2));
        for (int slot = 0; slot < 2; slot++) {
            for (int torn = 0; torn <= USED; torn++) {
                byte[] bytes = before.clone();
                if (slot == 1) {
                    System.arraycopy(after, 0, bytes, 0, SLOT);
                }
                System.arraycopy(after, slot * SLOT, bytes, slot * SLOT, torn);
                Files.write(path(), bytes);
                VoterRecord found = reopened();
                assertThat(found).as("slot %d torn at %d", slot, torn).isIn(record(1), record(2));
                if (slot == 1) {
                    assertThat(found).isEqualTo(record(2));
                }
            }
        }
    }

    @Test
    void aFlippedBitInEachByteOfOneSlotIsMendedFromTheOther() throws IOException {
        byte[] good = saved(record(1), record(2));
        for (int at = 0; at < 2 * SLOT; at = at % SLOT == USED ? (at / SLOT + 1) * SLOT : at + 1) {
            byte[] bytes = good.clone();
            bytes[at] ^= (byte) (1 << at % 8);
            Files.write(path(), bytes);
            assertThat(reopened()).as("flipped at %d", at).isEqualTo(record(2));
        }
    }

    @Test
    void whatStartedIsWholeInBothSlotsAgain() throws IOException {
        byte[] bytes = saved(record(1));
        bytes[40] ^= 1;
        Files.write(path(), bytes);
        assertThat(reopened()).isEqualTo(record(1));
        bytes = Files.readAllBytes(path());
        assertThat(bytes).hasSize(2 * SLOT);
        bytes[SLOT + 40] ^= 1;
        Files.write(path(), bytes);
        assertThat(reopened()).isEqualTo(record(1));
    }

    @Test
    void ofTwoWholeSlotsTheOneThatWasSavedLaterCounts() throws IOException {
        for (int stale = 0; stale < 2; stale++) {
            byte[] before = saved(record(1), record(2));
            byte[] after = saved(record(3));
            System.arraycopy(before, stale * SLOT, after, stale * SLOT, SLOT);
            Files.write(path(), after);
            assertThat(reopened()).as("slot %d is stale", stale).isEqualTo(record(3));
            before = Files.readAllBytes(path());
            after = saved(record(4), record(5), record(6));
            System.arraycopy(before, stale * SLOT, after, stale * SLOT, SLOT);
            Files.write(path(), after);
            assertThat(reopened()).as("slot %d is stale", stale).isEqualTo(record(6));
        }
    }

    @Test
    void aFileThatDidNotStartIsNotHeld() throws IOException {
        byte[] bytes = saved(record(1));
        bytes[40] ^= 1;
        bytes[SLOT + 41] ^= 1;
        Files.write(path(), bytes);
        for (int times = 0; times < 2; times++) {
            assertThatThrownBy(this::open).hasMessageContaining("damaged in both copies");
        }
    }

    /** A length that its slot cannot hold, under a good checksum of what is there. */
    @Test
    void aSlotThatSaysAWrongLengthIsBad() throws IOException {
        byte[] good = saved(record(1));
        int headBytes = 24;
        int leastBytes = 42;
        for (int length : new int[] {-1, 0, leastBytes - 1, SLOT - headBytes - 3, SLOT, Integer.MAX_VALUE}) {
            byte[] bytes = good.clone();
            for (int slot = 0; slot < 2; slot++) {
                java.nio.ByteBuffer buffer =
                        java.nio.ByteBuffer.wrap(bytes, slot * SLOT, SLOT).slice();
                buffer.putInt(20, length);
                if (length >= 0 && length <= SLOT - headBytes - Integer.BYTES) {
                    java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
                    crc.update(buffer.duplicate().position(0).limit(headBytes + length));
                    buffer.putInt(headBytes + length, (int) crc.getValue());
                }
            }
            Files.write(path(), bytes);
            assertThatThrownBy(this::open)
                    .as("length %d", length)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("damaged in both copies");
        }
    }

    @Test
    void aFileCutInItsSecondSlotStartsFromTheFirst() throws IOException {
        byte[] good = saved(record(1));
        for (int bytes : new int[] {SLOT, SLOT + 1, SLOT + 23, SLOT + 24, SLOT + 100, 2 * SLOT - 1}) {
            Files.write(path(), Arrays.copyOf(good, bytes));
            assertThat(reopened()).as("%d bytes", bytes).isEqualTo(record(1));
        }
    }

    @Test
    void aDiskIsNeverCalledByTheNumberOfNone() throws IOException {
        long[] drawn = {RegisterProposer.NO_DISK, RegisterProposer.NO_DISK, 8};
        int[] next = new int[1];
        try (RegisterFile file = RegisterFile.open(path(), () -> drawn[next[0]++])) {
            assertThat(file.record().diskId()).isEqualTo(8);
        }
    }

    @Test
    void bothSlotsBadStopTheStart() throws IOException {
        byte[] bytes = saved(record(1));
        bytes[40] ^= 1;
        bytes[SLOT + 41] ^= 1;
        Files.write(path(), bytes);
        assertThatThrownBy(this::open)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("damaged in both copies")
                .hasMessageContaining("remove the file");
    }

    @Test
    void slotsInEachOthersPlaceAreBad() throws IOException {
        byte[] bytes = saved(record(1));
        byte[] swapped = Arrays.copyOfRange(bytes, SLOT, 3 * SLOT);
        System.arraycopy(bytes, 0, swapped, SLOT, SLOT);
        Files.write(path(), swapped);
        assertThatThrownBy(this::open).hasMessageContaining("damaged in both copies");
    }

    @Test
    void anEmptyFileIsDamagedAndNotNew() throws IOException {
        Files.write(path(), new byte[0]);
        assertThatThrownBy(this::open).hasMessageContaining("damaged in both copies");
    }

    @Test
    void twoVotersCannotShareAFile() throws IOException {
        try (RegisterFile file = open()) {
            assertThat(file.record().voting()).isFalse();
            assertThatThrownBy(this::open).hasMessageContaining("open already");
        }
    }

    @Test
    void row84ACopyIsRefusedAndSaysWhatToDoAndTheFileItselfGoesOnUnderAnotherName() throws IOException {
        saved(record(1));
        Path elsewhere = folder.resolve("elsewhere");
        Files.copy(path(), elsewhere, StandardCopyOption.COPY_ATTRIBUTES);
        byte[] copied = Files.readAllBytes(elsewhere);
        assertThatThrownBy(() -> RegisterFile.open(elsewhere, () -> 99))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll("elsewhere is a copy", "remove this file");
        assertThat(Files.readAllBytes(elsewhere)).isEqualTo(copied);

        Path moved = Files.move(path(), folder.resolve("moved"));
        try (RegisterFile file = RegisterFile.open(moved, () -> 99)) {
            assertThat(file.record()).isEqualTo(record(1));
        }
    }

    @Test
    void row84ACopyIsNoticedByEitherSlot() throws IOException {
        byte[] bytes = saved(record(1));
        for (int slot = 0; slot < 2; slot++) {
            byte[] damaged = bytes.clone();
            damaged[(slot + 1) * SLOT - 1] ^= 1;
            Path elsewhere = folder.resolve("elsewhere" + slot);
            Files.write(elsewhere, damaged);
            assertThatThrownBy(() -> RegisterFile.open(elsewhere, () -> 99)).hasMessageContaining("is a copy");
        }
    }

    @Test
    void aFileThatDoesNotSayWhichOneItIsSaysSoFromThenOn() throws IOException {
        byte[] bytes = saved(record(1));
        Arrays.fill(bytes, SLOT - 12, SLOT, (byte) 0);
        Arrays.fill(bytes, 2 * SLOT - 12, 2 * SLOT, (byte) 0);
        Path elsewhere = folder.resolve("elsewhere");
        Files.write(elsewhere, bytes);
        try (RegisterFile file = RegisterFile.open(elsewhere, () -> 99)) {
            assertThat(file.record()).isEqualTo(record(1));
        }
        Path again = Files.copy(elsewhere, folder.resolve("again"));
        assertThatThrownBy(() -> RegisterFile.open(again, () -> 99)).hasMessageContaining("again is a copy");
    }

    @Test
    void aFailedSaveEndsTheFileForGood() throws IOException {
        RegisterFile file = open();
        file.close();
        assertThatThrownBy(() -> file.save(record(1))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> file.save(record(1))).hasMessageContaining("failed earlier");
        assertThat(reopened()).isEqualTo(VoterRecord.ofNewDisk(DISK_ID));
    }

    @Test
    void whatWasSavedIsFlushedSlotBySlotBeforeSaveReturns() throws IOException {
        ForgetfulDisk disk = new ForgetfulDisk(Integer.MAX_VALUE, SLOT);
        try (RegisterFile file = RegisterFile.open(disk.path(path()), () -> DISK_ID)) {
            disk.asked.clear();
            file.save(record(1));
            assertThat(disk.asked).containsExactly("write 0", "flush register", "write 1", "flush register");
            disk.losePower();
        }
        assertThat(disk.openFiles).isZero();
        assertThat(reopened()).isEqualTo(record(1));
    }

    @Test
    void aNewFileIsWholeAndFlushedBeforeItHasItsNameAndThenItsFolderIs() throws IOException {
        ForgetfulDisk disk = new ForgetfulDisk(Integer.MAX_VALUE, SLOT);
        RegisterFile.open(disk.path(path()), () -> DISK_ID).close();
        assertThat(disk.asked)
                .startsWith(
                        "write 0",
                        "flush register.new",
                        "write 1",
                        "flush register.new",
                        "move",
                        "flush folder",
                        "write 0",
                        "flush register");
        disk.losePower();
        assertThat(disk.openFiles).isZero();
        assertThat(reopened()).isEqualTo(VoterRecord.ofNewDisk(DISK_ID));
    }

    @Test
    void aDiskMayWriteAndReadAFewBytesAtATime() throws IOException {
        ForgetfulDisk disk = new ForgetfulDisk(1_000, SLOT);
        try (RegisterFile file = RegisterFile.open(disk.path(path()), () -> DISK_ID)) {
            file.save(record(1));
        }
        byte[] bytes = Files.readAllBytes(path());
        assertThat(bytes).hasSize(2 * SLOT);
        bytes[40] ^= 1;
        Files.write(path(), bytes);
        try (RegisterFile file = RegisterFile.open(disk.path(path()), () -> 99)) {
            assertThat(file.record()).isEqualTo(record(1));
        }
        bytes = Files.readAllBytes(path());
        bytes[SLOT + 40] ^= 1;
        Files.write(path(), bytes);
        try (RegisterFile file = RegisterFile.open(disk.path(path()), () -> 99)) {
            assertThat(file.record()).isEqualTo(record(1));
        }
    }

    @Test
    void theLargestViewFits() throws IOException {
        List<View.Member> backups = new java.util.ArrayList<>();
        List<View.Voter> voters = new java.util.ArrayList<>();
        for (int i = 0; i < io.lockstep.wire.Limits.MEMBERS_MAX; i++) {
            String name = ("x".repeat(io.lockstep.wire.Limits.NAME_MAX_BYTES - 2) + (10 + i)).substring(0, 64);
            backups.add(new View.Member(name, Long.MIN_VALUE));
            voters.add(new View.Voter(name, Long.MIN_VALUE));
        }
        View largest = new View(1, 1, new View.Member("a", 1), backups, voters, 1);
        VoterRecord record = new VoterRecord(DISK_ID, new Ballot(1, 1), new Ballot(1, 1), Optional.of(largest), true);
        saved(record);
        assertThat(reopened()).isEqualTo(record);
    }
}
