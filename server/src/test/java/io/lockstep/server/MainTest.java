package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lockstep.membership.RegisterFile;
import io.lockstep.membership.VoterRecord;
import io.lockstep.wire.Ballot;
import io.lockstep.wire.View;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract that scripts rely on: exit codes, and exactly one JSON document on standard output. */
final class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path home;

    @BeforeEach
    void keepStateApart() {
        System.setProperty("lockstep.home", home.toString());
    }

    @AfterEach
    void forgetHome() {
        System.clearProperty("lockstep.home");
    }

    @Test
    void helpTeachesAndEndsWithZero() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString())
                .contains("lockstep up")
                .contains("status")
                .contains("pid")
                .contains("Exit codes:")
                .contains("130  interrupted");
        assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"up", "status", "pid", "check", "node", "distributor"})
    void everyCommandHasHelp(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString()).contains("Usage: lockstep " + command);
    }

    @Test
    void tellsItsVersion() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).startsWith("lockstep ");
    }

    @Test
    void aMissingCommandIsAUsageError() {
        assertThat(run()).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains("a command is missing").contains("--help");
    }

    @Test
    void anUnknownOptionIsAUsageErrorWithASuggestion() {
        assertThat(run("up", "--restrat")).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString())
                .contains("--restrat")
                .contains("Did you mean")
                .contains("--restart");
    }

    @Test
    void anUnknownCommandIsAUsageErrorWithASuggestion() {
        assertThat(run("statsu")).isEqualTo(2);
        assertThat(err.toString()).contains("statsu").contains("Did you mean").contains("status");
    }

    @Test
    void anUnknownFormIsAUsageError() {
        assertThat(run("-o", "xml", "status")).isEqualTo(2);
        assertThat(err.toString()).contains("xml").contains("text, json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-o json status", "status -o json"})
    void withJsonAFailureIsOneDocumentToo(String arguments) throws IOException {
        assertThat(run(arguments.split(" "))).isEqualTo(3);

        JsonNode document = document();
        assertThat(document.path("error").path("exit").asInt()).isEqualTo(3);
        assertThat(document.path("error").path("text").asText()).contains("lockstep up");
    }

    @Test
    void withJsonAUsageErrorIsOneDocumentToo() throws IOException {
        assertThat(run("-o", "json", "up", "--nonsense")).isEqualTo(2);
        assertThat(document().path("error").path("exit").asInt()).isEqualTo(2);
    }

    @Test
    void pidPrintsNothingWhenNothingIsUp() {
        assertThat(run("pid", "active")).isEqualTo(3);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains("nothing is up here");
    }

    @Test
    void statusOfAnAddressWhereNobodyListensCannotReach() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        assertThat(run("status", "--connect", "127.0.0.1:" + free)).isEqualTo(3);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains("127.0.0.1:" + free);
    }

    @Test
    void statusOfSomethingThatIsNoDistributorCannotReach() throws IOException {
        try (ServerSocket mute = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(run("status", "--connect", "127.0.0.1:" + mute.getLocalPort()))
                    .isEqualTo(3);
        }
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nowhere", "host:0", "host:70000", ":1"})
    void statusRefusesWhatIsNoAddress(String address) {
        assertThat(run("status", "--connect", address)).isEqualTo(2);
        assertThat(err.toString()).contains("host:port");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--set failure-detection=-1s | failure-detection is '-1s'",
                "--set failure-detectoin=1s | Did you mean 'failure-detection'?",
                "--set name=x | says what one process is",
                "--set mode=dbase | mode is 'dbase'",
                "--database shop --set databases.other.mode=MySQL | is for database 'other'; this one is 'shop'",
                "--set failure-detection | failure-detection",
                "--level durable | no log on disk",
                "--backups -1 | --backups is -1; it must be 0 to 8",
                "--backups 99 | 0 to 8",
                "--backups one | one",
                "--port 65536 | 0 to 65535",
                "--heap 1 | 64 or more",
                "--database no/slash | database is 'no/slash'",
                "--service nobody-wrote-it | on the class path: echo"
            })
    void upRefusesWrongOptionsBeforeAnythingIsStarted(String options, String complaint) {
        assertThat(run(("up " + options).split(" "))).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).startsWith("lockstep: ").contains(complaint);
        assertThat(home.resolve(".lockstep")).doesNotExist();
    }

    @Test
    void upRefusesATakenPortAndNamesTheOption() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThat(run("up", "--port", Integer.toString(taken.getLocalPort())))
                    .isEqualTo(4);
        }
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains("is taken").contains("--port");
    }

    @Test
    void upDoesNotStartEmptyUnderTheNameOfADatabaseThatIsGone() throws IOException {
        Path node = Files.createDirectories(UpState.home().resolve("lockstep").resolve("node-1"));
        View view = new View(4, 2, new View.Member("node-1", 11), List.of(), List.of(new View.Voter("node-1", 5)), 1);
        try (RegisterFile register = RegisterFile.open(LockstepConfig.registerFile(node), () -> 5)) {
            register.save(new VoterRecord(5, new Ballot(3, 11), new Ballot(3, 11), Optional.of(view), true));
        }

        assertThat(run("up", "--port", "0")).isEqualTo(4);
        assertThat(err.toString())
                .contains("last in-sync copy of database 'lockstep' is gone")
                .contains("node-1 (view 4, term 2)")
                .contains("--reset");
        assertThat(node.resolve("register")).exists();
    }

    @Test
    void aNodeRefusesADistributorsFile() throws IOException {
        Path file = Files.writeString(home.resolve("d.yaml"), """
                name: distributor-1
                role: distributor
                nodes: [node-1]
                voters: [node-1]
                hazelcast-port: 25701
                hazelcast-members: ['127.0.0.1:25701']
                directory: /tmp/d
                """);
        assertThat(run("node", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains(file.toString()).contains("allowed: node");
    }

    @Test
    void aFileWithAnUnknownSettingIsAUsageErrorThatNamesTheLine() throws IOException {
        Path file = Files.writeString(home.resolve("n.yaml"), "name: n\nrloe: node\n");
        assertThat(run("node", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains(file + ", line 2: unknown setting 'rloe'. Did you mean 'role'?");
    }

    @Test
    void checkEndsWithSevenWhenAStatementIsRefusedAndSaysWhereAndWhy() throws IOException {
        Path script = Files.writeString(home.resolve("app.sql"), """
                CREATE TABLE p(id INT PRIMARY KEY);
                CREATE TABLE c(id INT REFERENCES p);
                SELECT SESSION_ID();
                SELEC 1;
                """);
        assertThat(run("check", script.toString())).isEqualTo(7);
        assertThat(out.toString())
                .contains(script + ":3: refused: SESSION_ID would not be equal on all nodes")
                .contains(script + ":4: invalid: Syntax error")
                .contains(script + ":2: weakness of H2: foreign key from C to P")
                .contains("4 statements, 1 refused, 1 not understood: 50.00 % are protected");
    }

    @Test
    void checkOfWhatIsAllProtectedEndsWithZeroAndOneDocument() throws IOException {
        Path first = Files.writeString(home.resolve("1.sql"), "CREATE TABLE t(id INT)");
        Path second = Files.writeString(home.resolve("2.sql"), "INSERT INTO t VALUES(?); SELECT * FROM t");
        assertThat(run("check", "-o", "json", first.toString(), second.toString()))
                .isZero();
        JsonNode document = document();
        assertThat(document.path("schema").asInt()).isEqualTo(1);
        assertThat(document.path("statements").asInt()).isEqualTo(3);
        assertThat(document.path("percentage").asDouble()).isEqualTo(100.0);
        assertThat(document.fieldNames())
                .toIterable()
                .containsExactly(
                        "schema",
                        "database",
                        "node",
                        "files",
                        "statements",
                        "refused",
                        "invalid",
                        "percentage",
                        "reasons",
                        "findings");
    }

    @Test
    void checkJudgesForADatabaseThatIsSetDifferently() throws IOException {
        Path script = Files.writeString(home.resolve("my.sql"), "INSERT IGNORE INTO t VALUES(1)");
        Path table = Files.writeString(home.resolve("t.sql"), "CREATE TABLE t(id INT PRIMARY KEY)");
        assertThat(run("check", table.toString(), script.toString())).isEqualTo(7);
        assertThat(run("check", "--set", "mode=MySQL", table.toString(), script.toString()))
                .isZero();
        assertThat(run("check", "--set", "mode=dbase", script.toString())).isEqualTo(2);
        assertThat(run("check", "--set", "host=127.0.0.1", script.toString())).isEqualTo(2);
    }

    @Test
    void checkReadsStandardInput() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream("SHUTDOWN".getBytes(StandardCharsets.UTF_8)));
        try {
            assertThat(run("check", "-")).isEqualTo(7);
        } finally {
            System.setIn(before);
        }
        assertThat(out.toString()).contains("-:1: refused: SHUTDOWN reaches beyond the database");
    }

    @Test
    void checkOfAFileThatIsNotThereIsAUsageError() {
        assertThat(run("check", home.resolve("nothing.sql").toString())).isEqualTo(2);
        assertThat(err.toString()).contains("nothing.sql cannot be read");
    }

    @Test
    void checkWithoutAFileWantsADatabaseThatIsUp() {
        assertThat(run("check")).isEqualTo(3);
        assertThat(err.toString()).contains("nothing is up here");
    }

    private int run(String... arguments) {
        return Main.run(arguments, new PrintWriter(out), new PrintWriter(err));
    }

    private JsonNode document() throws IOException {
        ObjectMapper json = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
        return json.readTree(out.toString());
    }
}
