package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.lockstep.tsdstore.sql.DatabaseSettings;
import io.lockstep.tsdstore.sql.SqlConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each wrong setting is refused with one error that names file, line, key, value and what is allowed. */
final class LockstepConfigTest {
    private static final String GOOD = """
            name: node-1
            role: node
            nodes: [node-1, node-2]
            voters: [node-1, node-2, distributor-1]
            hazelcast-port: 25701
            hazelcast-members: ['127.0.0.1:25701', '127.0.0.1:25702']
            directory: /tmp/node-1
            """;

    @Test
    void fillsInDefaults() {
        LockstepConfig config = LockstepConfig.parse(GOOD, "node.yaml");

        assertThat(config.cluster()).isEqualTo("lockstep");
        assertThat(config.level()).isEqualTo(Level.MEMORY);
        assertThat(config.whenAlone()).isEqualTo(WhenAlone.CONTINUE);
        assertThat(config.failureDetection()).isEqualTo(Duration.ofMillis(500));
        assertThat(config.limits().messageMaxBytes()).isEqualTo(1 << 20);
        assertThat(config.limits().takeoverBudget()).isEqualTo(Duration.ofMillis(50));
        assertThat(config.limits().sessionGrace()).isEqualTo(Duration.ofSeconds(10));
        assertThat(config.recordEntries()).isEmpty();
        assertThat(config.sqlConfig())
                .as("what a drill's history is executed with once more")
                .isEqualTo(SqlConfig.DEFAULT);
        assertThat(config.isVoter()).isTrue();
    }

    @Test
    void readsBackWhatItWrote() {
        LockstepConfig config = LockstepConfig.parse(
                GOOD
                        + "record-entries: /tmp/it's here\nfailure-detection: 1500ms\nwhen-alone: stop\nmessage-max-bytes: 64KiB\n",
                "node.yaml");

        assertThat(LockstepConfig.parse(config.toYaml(), "again.yaml")).isEqualTo(config);
        assertThat(config.recordEntries()).isEqualTo(Optional.of(Path.of("/tmp/it's here")));
        assertThat(config.limits().messageMaxBytes()).isEqualTo(65_536);
    }

    @Test
    void readsSettingsOfTheDatabaseWithItsNameAndWithout() {
        LockstepConfig config = LockstepConfig.parse(
                GOOD
                        + "database: shop\ndatabases.shop.mode: mysql\nidentifier-case: lower\ndatabases.shop.null-ordering: high\n",
                "node.yaml");

        assertThat(config.sql())
                .isEqualTo(new DatabaseSettings(
                        "MySQL",
                        DatabaseSettings.NO_COLLATION,
                        DatabaseSettings.IdentifierCase.LOWER,
                        false,
                        DatabaseSettings.NullOrdering.HIGH));
        assertThat(LockstepConfig.parse(config.toYaml(), "again.yaml")).isEqualTo(config);
        assertThat(config.sqlConfig().owner()).isEqualTo("app");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "databases.other.mode: MySQL | is for database 'other'; this one is 'lockstep'",
                "databases.lockstep.host: 127.0.0.1 | unknown setting",
                "databases.lockstep: x | unknown setting",
                "case-insensitive-identifiers: true | identifier-case exact"
            })
    void refusesSettingsOfAnotherDatabase(String line, String complaint) {
        assertThatThrownBy(() -> LockstepConfig.parse(GOOD + line + "\n", "node.yaml"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(complaint);
    }

    @Test
    void readsTheClassesAndLoadsThemForNodesOnly() {
        String name = LockstepConfigTest.Installed.class.getName();
        LockstepConfig config = LockstepConfig.parse(
                GOOD + "databases.lockstep.classes: 'java.lang.Math, " + name + "'\n", "node.yaml");

        assertThat(config.classes()).containsExactly("java.lang.Math", name);
        assertThat(config.sqlConfig().settings().classes()).containsOnlyKeys("java.lang.Math", name);
        assertThat(config.sqlConfig().settings().classes().values()).allMatch(each -> each.matches("[0-9a-f]{64}"));
        assertThat(config.sqlConfig().text())
                .contains(", classes " + name + " (")
                .contains(" java.lang.Math (");
        assertThat(LockstepConfig.parse(config.toYaml(), "again.yaml")).isEqualTo(config);
        LockstepConfig elsewhere = LockstepConfig.parse(
                GOOD.replace("role: node", "role: distributor").replace("name: node-1", "name: distributor-1")
                        + "classes: on.another.Host\n",
                "distributor.yaml");
        assertThat(elsewhere.classes()).containsExactly("on.another.Host");
    }

    /** On the class path, and public. */
    public static final class Installed {}

    static final class NotPublic {}

    /** Cannot be initialized. */
    public static final class Broken {
        static final int VALUE = Integer.parseInt("none");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "com.example.Nowhere | there is no class com.example.Nowhere on the class path",
                "java.lang.math | class java.lang.math",
                "io.lockstep.server.LockstepConfigTest$NotPublic | is not public",
                "io.lockstep.server.LockstepConfigTest$Broken | cannot be loaded: java.lang."
            })
    void refusesClassesThatCannotBeUsed(String name, String complaint) {
        LockstepConfig config = LockstepConfig.parse(GOOD + "classes: '" + name + "'\n", "node.yaml");

        assertThatThrownBy(config::sqlConfig)
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("classes is '" + name + "'")
                .hasMessageContaining(complaint);
        assertThatThrownBy(() -> LockstepConfig.sqlOf(Map.of("classes", name)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(complaint);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "com.example.* | is no name of a class",
                "a.B,,c.D | no name of a class",
                "a.B,a.B | is there twice",
                "\"[I\" | is no name of a class",
                "a/B | is no name of a class"
            })
    void refusesWhatIsNoListOfClasses(String written, String complaint) {
        assertThatThrownBy(() -> LockstepConfig.parse(GOOD + "classes: " + written + "\n", "node.yaml"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(complaint);
    }

    @Test
    void thePasswordThatEverybodyKnowsIsForLoopbackOnly() {
        assertThat(LockstepConfig.troubleWithOwner("127.0.0.1", Optional.empty()))
                .isEmpty();
        assertThat(LockstepConfig.troubleWithOwner("192.0.2.1", Optional.of(Path.of("secret"))))
                .isEmpty();
        assertThat(LockstepConfig.troubleWithOwner("192.0.2.1", Optional.empty()))
                .hasValueSatisfying(text -> assertThat(text).contains("owner-password-file"));
    }

    @Test
    void readsTheOwnersPasswordFromAFileAndTellsItNobody(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("password"), "hush-hush\nmore\n");
        LockstepConfig config =
                LockstepConfig.parse(GOOD + "owner: boss\nowner-password-file: '" + file + "'\n", "node.yaml");

        assertThat(config.sqlConfig().owner()).isEqualTo("boss");
        assertThat(config.sqlConfig().ownerPassword()).isEqualTo("hush-hush");
        assertThat(config.toString() + config.sqlConfig() + config.toYaml()).doesNotContain("hush");
        Files.writeString(file, "\n");
        assertThatThrownBy(config::sqlConfig).hasMessageContaining("is empty");
        Files.delete(file);
        assertThatThrownBy(config::sqlConfig).hasMessageContaining("cannot be read");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "failure-detection | -5ms",
                "failure-detection | 0ms",
                "failure-detection | 500",
                "failure-detection | 5 s",
                "failure-detection | 1h",
                "session-grace | -10s",
                "session-limit | 0s",
                "transaction-limit | never",
                "takeover-budget | 99999999999999999d",
                "message-max-bytes | -1",
                "message-max-bytes | 10",
                "message-max-bytes | 1GiB",
                "message-max-bytes | 1MB",
                "forward-log-bytes | 0",
                "held-messages-max | 0",
                "held-messages-max | 1.5",
                "held-bytes | 999999999999999GiB",
                "connections-max | many",
                "peer-port | 65536",
                "client-port | -1",
                "level | memroy",
                "when-alone | maybe",
                "database | two words",
                "cluster | ''",
                "service | ../x",
                "mode | dbase",
                "collation | KLINGON",
                "identifier-case | camel",
                "case-insensitive-identifiers | perhaps",
                "null-ordering | middle",
                "owner | no body",
            })
    void refusesWrongValues(String key, String value) {
        ConfigException refusal = refusal(GOOD + key + ": " + value + "\n");

        assertThat(refusal.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(refusal.key()).isEqualTo(key);
        assertThat(refusal.getMessage())
                .startsWith("node.yaml, line 8: " + key + " is ")
                .contains(value.replace("'", ""))
                .contains("allowed: ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nodes: [node-1, node-2] | nodes: [] | it is empty",
                "nodes: [node-1, node-2] | nodes: node-1 | a list of names",
                "nodes: [node-1, node-2] | nodes: [node-1, node-1] | there twice",
                "nodes: [node-1, node-2] | nodes: {a: b} | a mapping",
                "nodes: [node-1, node-2] | nodes: [node-2, node-3] | not among nodes",
                "voters: [node-1, node-2, distributor-1] | voters: [node-1, node-2] | an even number",
                "voters: [node-1, node-2, distributor-1] | voters: [node-1, node-1, node-2] | there twice",
                "voters: [node-1, node-2, distributor-1] | voters: [] | setting 'voters' is missing",
                "voters: [node-1, node-2, distributor-1] | register: zookeeper | it goes with register zookeeper",
                "role: node | 'role: node\nregister: zookeeper' | nobody votes here",
                "role: node | 'role: node\nzookeeper-connect: z:2181' | only there",
                "role: node | 'role: node\nzookeeper-connect: z:0' | host:port with a port",
                "name: node-1 | name: [node-1] | allowed: a letter",
                "role: node | role: distributor | needs a name of its own",
                "role: node | role: king | allowed: node, distributor, arbiter",
                "role: node | role: arbiter | an arbiter needs a name of its own",
                "hazelcast-port: 25701 | hazelcast-port: 0 | 1 to 65535",
                "hazelcast-members: ['127.0.0.1:25701', '127.0.0.1:25702'] | hazelcast-members: [localhost] | host:port",
                "directory: /tmp/node-1 | host: 127.0.0.1 | setting 'directory' is missing",
            })
    void refusesWhatDoesNotFit(String line, String replacement, String complaint) {
        assertThat(GOOD).contains(line);

        assertThat(refusal(GOOD.replace(line, replacement)).getMessage()).contains(complaint);
    }

    @Test
    void suggestsTheSettingThatWasMeant() {
        assertThat(refusal(GOOD + "failure-detectoin: 1s\n").getMessage())
                .startsWith(
                        "node.yaml, line 8: unknown setting 'failure-detectoin'. Did you mean 'failure-detection'?");
    }

    @Test
    void refusesASettingThatIsThereTwice() {
        assertThat(refusal(GOOD + "name: node-1\n").getMessage())
                .isEqualTo("node.yaml, line 8: setting 'name' is there twice");
    }

    @Test
    void saysWhyThereIsNoDurableLevel() {
        assertThat(refusal(GOOD + "level: durable\n").getMessage())
                .contains("no log on disk")
                .contains("Use memory");
    }

    @Test
    void listensOnTheLoopbackOnly() {
        assertThat(refusal(GOOD + "host: 0.0.0.0\n").getMessage()).contains("loopback only");
    }

    @Test
    void keepsRoomForTwoMessagesInTheLog() {
        assertThat(refusal(GOOD + "forward-log-bytes: 1MiB\n").getMessage())
                .contains("at least twice message-max-bytes (1048576)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"'' | it is empty", "just a text | key: value", "'a: [b' | not YAML", "'- a' | key: value"})
    void refusesWhatIsNoMapping(String text, String complaint) {
        assertThat(refusal(text).getMessage()).contains("node.yaml").contains(complaint);
    }

    @Test
    void namesAFileThatCannotBeRead(@TempDir Path folder) throws IOException {
        Path missing = folder.resolve("missing.yaml");
        assertThatThrownBy(() -> LockstepConfig.read(missing))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(missing.toString());

        Path good = Files.writeString(folder.resolve("good.yaml"), GOOD);
        assertThat(LockstepConfig.read(good).nodes()).isEqualTo(List.of("node-1", "node-2"));
    }

    private static ConfigException refusal(String yaml) {
        return catchThrowableOfType(ConfigException.class, () -> LockstepConfig.parse(yaml, "node.yaml"));
    }
}
