package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.ProtocolException;
import io.lockstep.wire.RequestKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingTest {
    @TempDir
    Path folder;

    private Path record(StoreDriver driver) throws IOException {
        Path file = folder.resolve("entries");
        try (Recording recording = Recording.create(file)) {
            for (Execution execution : driver.executions) {
                recording.append(execution.entry());
            }
        }
        return file;
    }

    private static StoreDriver talk(StoreDriver driver) {
        Identity session = driver.open();
        long transaction = driver.begin(session, "dice");
        for (int i = 0; i < 20; i++) {
            driver.send(session, RequestKind.CONTINUE, transaction, "put " + i);
        }
        driver.send(session, RequestKind.DIGEST, 0, "");
        return driver;
    }

    private static Replay.Result replay(Path file, long until) throws DivergenceException, IOException {
        return Replay.run(file, new ShopService(false), new NoRecords(), TsdStoreConfig.defaults(), until);
    }

    @Test
    void aFreshNodeEndsWithTheSameDigest() throws Exception {
        try (StoreDriver driver = talk(StoreDriver.withRecords())) {
            Replay.Result result = Replay.run(
                    record(driver), new ShopService(true), new H2Records(), TsdStoreConfig.defaults(), Long.MAX_VALUE);
            assertThat(result.last()).isEqualTo(driver.store.last());
            assertThat(result.chain()).isEqualTo(driver.store.chain());
            assertThat(result.digest()).isEqualTo(driver.store.digest());
            assertThat(result.entries()).isEqualTo(driver.executions.size());
            assertThat(result.answeredDigest()).isPresent();
        }
    }

    @Test
    void stopsWhereItIsTold() throws Exception {
        StoreDriver driver = talk(StoreDriver.withoutRecords());
        Replay.Result result = replay(record(driver), 5);
        assertThat(result.last()).isEqualTo(new Identity(1, 5));
        assertThat(result.chain()).isEqualTo(driver.executions.get(4).entry().chain());
    }

    @Test
    void aTornLastEntryIsIgnoredAtEachByte() throws Exception {
        StoreDriver driver = talk(StoreDriver.withoutRecords());
        byte[] whole = Files.readAllBytes(record(driver));
        int last = driver.executions.get(driver.executions.size() - 1).entry().bytes() + 8;
        Path torn = folder.resolve("torn");
        for (int cut = 1; cut <= last; cut++) {
            Files.write(torn, Arrays.copyOf(whole, whole.length - cut));
            assertThat(replay(torn, Long.MAX_VALUE).entries()).isEqualTo(driver.executions.size() - 1);
        }
    }

    @Test
    void aDamagedEntryIsRefused() throws Exception {
        Path file = record(talk(StoreDriver.withoutRecords()));
        byte[] damaged = Files.readAllBytes(file);
        damaged[300] ^= 1;
        Files.write(file, damaged);
        assertThatThrownBy(() -> replay(file, Long.MAX_VALUE)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void aRecordingThatDoesNotBeginAtTheBeginningIsRefused() throws Exception {
        StoreDriver driver = talk(StoreDriver.withoutRecords());
        driver.executions.remove(0);
        Path file = record(driver);
        assertThatThrownBy(() -> replay(file, Long.MAX_VALUE)).hasMessageContaining("in place of 1");
    }

    @Test
    void anotherOutcomeIsFound() throws Exception {
        StoreDriver driver = talk(StoreDriver.withoutRecords());
        Execution execution = driver.executions.get(9);
        Entry entry = execution.entry();
        driver.executions.set(
                9,
                new Execution(
                        new Entry(entry.header(), entry.body(), entry.decision(), 1, entry.chain()),
                        execution.answer(),
                        execution.released(),
                        execution.effects()));
        Path file = record(driver);
        assertThatThrownBy(() -> replay(file, Long.MAX_VALUE)).isInstanceOf(DivergenceException.class);
    }

    private static List<Identity> read(Path file) throws IOException {
        List<Identity> read = new ArrayList<>();
        Recording.read(file, entry -> read.add(entry.identity()));
        return read;
    }

    @Test
    void whatIsReadIsWhatWasWrittenInItsOrder() throws Exception {
        StoreDriver driver = talk(StoreDriver.withoutRecords());
        List<Entry> read = new ArrayList<>();
        Recording.read(record(driver), read::add);
        assertThat(read)
                .usingRecursiveComparison()
                .isEqualTo(driver.executions.stream().map(Execution::entry).toList());
        Path empty = Files.createFile(folder.resolve("empty"));
        assertThat(read(empty)).isEmpty();
    }

    @Test
    void whatWasFlushedIsInTheFileBeforeTheRecordingEnds() throws Exception {
        StoreDriver driver = talk(StoreDriver.withoutRecords());
        Path file = folder.resolve("entries");
        try (Recording recording = Recording.create(file)) {
            for (int i = 0; i < 3; i++) {
                recording.append(driver.executions.get(i).entry());
                assertThat(read(file)).as("kept in a buffer").hasSize(i);
                recording.flush();
                assertThat(read(file)).hasSize(i + 1);
            }
            recording.append(driver.executions.get(3).entry());
        }
        assertThat(read(file)).as("its end flushes").hasSize(4);
    }

    @Test
    void anEntryOfALengthThatNoneHasIsRefused() throws Exception {
        Path file = folder.resolve("entries");
        for (int length : new int[] {-1, 0, Entry.OVERHEAD_BYTES - 1, (64 << 20) + 1, Integer.MAX_VALUE}) {
            Files.write(file, ByteBuffer.allocate(8).putInt(length).array());
            assertThatThrownBy(() -> read(file))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("a recorded entry of " + length + " bytes");
        }
        for (int length : new int[] {Entry.OVERHEAD_BYTES, 64 << 20}) {
            Files.write(file, ByteBuffer.allocate(8).putInt(length).array());
            assertThat(read(file)).as("one that is cut off").isEmpty();
        }
    }

    @Test
    void whoHasClosedARecordingReadsNothingMoreOfIt() throws Exception {
        Path file = record(talk(StoreDriver.withoutRecords()));
        Recording.Reader reader = new Recording.Reader(file);
        assertThat(reader.next()).isNotNull();
        reader.close();
        assertThatThrownBy(reader::next).isInstanceOf(IOException.class);
    }
}
