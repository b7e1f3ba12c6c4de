package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lockstep.wire.Entry;
import io.lockstep.wire.EntryCodec;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is in a recording, and whatever pieces of a copy come: entries or a state, or a refusal; never another error. */
class RecordingFuzzTest {
    @TempDir
    private static Path folder;

    /** Bytes as they are found. */
    @FuzzTest(maxDuration = "5m")
    void file(byte[] data) throws IOException {
        readsOrRefuses(data);
    }

    /** One entry in a good frame of a recording. */
    @FuzzTest(maxDuration = "5m")
    void entry(byte[] data) throws IOException {
        CRC32C crc = new CRC32C();
        crc.update(data);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(data.length);
        out.writeInt((int) crc.getValue());
        out.write(data);
        for (Entry entry : readsOrRefuses(bytes.toByteArray())) {
            assertThat(EntryCodec.encode(entry)).isEqualTo(data);
        }
    }

    /** The items of a copy, in pieces whose heads and checksums are good. */
    @FuzzTest(maxDuration = "5m")
    void copy(byte[] data) {
        CopyInstaller installer =
                TsdStore.installer(new ShopService(false), new NoRecords(), TsdStoreConfig.defaults());
        try (installer) {
            int at = 0;
            for (int index = 0; at < data.length; index++) {
                int end = Math.min(data.length, at + ChunkedCopy.PIECE_MAX_BYTES - ChunkedCopy.PIECE_HEAD_BYTES);
                installer.accept(piece(index, Arrays.copyOfRange(data, at, end)));
                at = end;
            }
            try (TsdStore store = installer.finish()) {
                assertThat(store.last()).isNotNull();
            }
        } catch (CopyBrokenException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    static byte[] piece(int index, byte[] items) {
        byte[] piece = new byte[ChunkedCopy.PIECE_HEAD_BYTES + items.length];
        System.arraycopy(items, 0, piece, ChunkedCopy.PIECE_HEAD_BYTES, items.length);
        java.nio.ByteBuffer.wrap(piece).putInt(index).putInt(ChunkedCopy.checksum(index, piece));
        return piece;
    }

    private static List<Entry> readsOrRefuses(byte[] bytes) throws IOException {
        Path file = folder.resolve("entries.log");
        Files.write(file, bytes);
        List<Entry> entries = new ArrayList<>();
        try {
            Recording.read(file, entries::add);
        } catch (io.lockstep.wire.ProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
        return entries;
    }
}
