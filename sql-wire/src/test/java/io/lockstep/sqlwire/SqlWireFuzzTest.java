package io.lockstep.sqlwire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.h2.value.Value;
import org.junit.jupiter.api.Test;

/**
 * Whatever bytes come: a request, a reply, a value, or {@link SqlProtocolException}. What was read is written in one way,
 * and read again as the same; bytes may say it in several, since a number may have more digits than it needs.
 */
class SqlWireFuzzTest {
    private static final Path SEEDS = Path.of("src/test/resources/io/lockstep/sqlwire/SqlWireFuzzTestInputs");
    /** Inputs that once broke a decoder, most of which are refused now. */
    private static final String FOUND = "found-";
    /** JAVA_OBJECT does not travel. */
    private static final int TRAVELLING_TYPES = Value.TYPE_COUNT - 1;

    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);

    /** What a node gets from a driver. */
    @FuzzTest(maxDuration = "5m")
    void request(byte[] data) throws SqlProtocolException {
        long cancelled = SqlCodec.cancelled(data);
        SqlRequest read;
        try {
            read = codec.decodeRequest(data);
        } catch (SqlProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
            return;
        }
        byte[] written = codec.encode(read);
        assertThat(codec.encode(codec.decodeRequest(written))).isEqualTo(written);
        if (cancelled >= 0) {
            assertThat(read.action()).isEqualTo(new SqlAction.Cancel(cancelled));
        }
        boolean closesNothing = read.closedStatements().length + read.closedResults().length == 0;
        if (closesNothing && read.action() instanceof SqlAction.Cancel cancel) {
            assertThat(SqlCodec.cancelled(written)).isEqualTo(cancel.requestId());
        }
    }

    /** What a driver gets from a node. */
    @FuzzTest(maxDuration = "5m")
    void reply(byte[] data) throws SqlProtocolException {
        SqlReply read;
        try {
            read = codec.decodeReply(data);
        } catch (SqlProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
            return;
        }
        byte[] written = codec.encode(read);
        SqlReply again = new SqlCodec(LobReferences.INLINE).decodeReply(written);
        assertThat(new SqlCodec(LobReferences.INLINE).encode(again)).isEqualTo(written);
    }

    /** A value of any type, as it stands in requests, replies and copies. */
    @FuzzTest(maxDuration = "5m")
    void value(byte[] data) throws SqlProtocolException {
        Value read;
        try {
            read = new SqlReader(data, LobReferences.INLINE).getValue();
        } catch (SqlProtocolException e) {
            assertThat(e.getMessage()).isNotBlank();
            return;
        }
        byte[] written = bytesOf(read);
        assertThat(bytesOf(new SqlReader(written, LobReferences.INLINE).getValue()))
                .isEqualTo(written);
    }

    @Test
    void everyActionOutcomeAndTypeHasASeedThatDecodes() throws Exception {
        Set<Object> actions =
                decoded("request", seed -> codec.decodeRequest(seed).action().getClass());
        Set<Object> outcomes =
                decoded("reply", seed -> codec.decodeReply(seed).outcome().getClass());
        Set<Object> types = decoded(
                "value",
                seed -> new SqlReader(seed, LobReferences.INLINE).getValue().getValueType());

        assertThat(actions).hasSameSizeAs(Objects.requireNonNull(SqlAction.class.getPermittedSubclasses()));
        assertThat(outcomes).hasSameSizeAs(Objects.requireNonNull(SqlOutcome.class.getPermittedSubclasses()));
        assertThat(types).hasSize(TRAVELLING_TYPES);
    }

    private static byte[] bytesOf(Value value) {
        SqlWriter out = new SqlWriter(LobReferences.INLINE);
        out.putValue(value);
        return out.toBytes();
    }

    private interface Decoding {
        Object of(byte[] seed) throws SqlProtocolException;
    }

    private static Set<Object> decoded(String decoder, Decoding decoding) throws Exception {
        Set<Object> decoded = new HashSet<>();
        try (DirectoryStream<Path> seeds = Files.newDirectoryStream(SEEDS.resolve(decoder))) {
            for (Path seed : seeds) {
                if (!seed.getFileName().toString().startsWith(FOUND)) {
                    decoded.add(decoding.of(Files.readAllBytes(seed)));
                }
            }
        }
        return decoded;
    }
}
