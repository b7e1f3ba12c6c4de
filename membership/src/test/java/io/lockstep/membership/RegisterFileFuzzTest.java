package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is in a voter's file: it starts with a record that it can save and read again, or it does not start. */
class RegisterFileFuzzTest {
    private static final long MAGIC = 0x4C53_5245_4700_0001L;
    private static final int HEADER_BYTES = 24;

    @TempDir
    private static Path folder;

    /** Bytes as they are found. */
    @FuzzTest(maxDuration = "5m")
    void file(byte[] data) throws IOException {
        startsOrRefuses(data);
    }

    /** A payload in a slot whose head and checksum are good. */
    @FuzzTest(maxDuration = "5m")
    void record(byte[] data) throws IOException {
        if (data.length <= RegisterFile.SLOT_BYTES - HEADER_BYTES - Integer.BYTES) {
            ByteBuffer slot = ByteBuffer.allocate(RegisterFile.SLOT_BYTES);
            slot.putLong(MAGIC).putInt(0).putLong(7).putInt(data.length).put(data);
            CRC32C crc = new CRC32C();
            crc.update(slot.duplicate().flip());
            slot.putInt((int) crc.getValue());
            startsOrRefuses(slot.array());
        }
    }

    private static void startsOrRefuses(byte[] bytes) throws IOException {
        Path path = folder.resolve("register");
        Files.write(path, bytes);
        VoterRecord first;
        try (RegisterFile file = RegisterFile.open(path, () -> 1)) {
            first = file.record();
        } catch (IOException e) {
            assertThat(e.getMessage()).isNotBlank();
            return;
        }
        try (RegisterFile again = RegisterFile.open(path, () -> 1)) {
            assertThat(again.record()).isEqualTo(first);
        }
    }
}
