package io.lockstep.server;

import io.lockstep.membership.MembershipConfig;
import io.lockstep.tsdstore.sql.DatabaseSettings;
import io.lockstep.tsdstore.sql.SqlConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Settings of one process, checked when built; {@link Setting} says what each means. Safe from any thread, because it
 * is immutable.
 */
public record LockstepConfig(
        String cluster,
        String name,
        ProcessRole role,
        String database,
        String service,
        Level level,
        WhenAlone whenAlone,
        String owner,
        Optional<Path> ownerPasswordFile,
        DatabaseSettings sql,
        List<String> classes,
        List<String> nodes,
        RegisterKind register,
        List<String> voters,
        String zooKeeperConnect,
        String host,
        int peerPort,
        int clientPort,
        int hazelcastPort,
        List<String> hazelcastMembers,
        Path directory,
        Duration failureDetection,
        Bounds limits,
        SqlLimits sqlLimits,
        Optional<Path> recordEntries) {

    private static final long FILE_MAX_BYTES = 1 << 20;

    /** What keeps a process bounded; {@link Setting} says what each means. */
    public record Bounds(
            int messageMaxBytes,
            int heldMessagesMax,
            long heldBytes,
            int connectionsMax,
            long forwardLogBytes,
            Duration takeoverBudget,
            Duration executionLimit,
            Duration sessionLimit,
            Duration transactionLimit,
            Duration sessionGrace) {}

    /** What keeps SQL sessions bounded; {@link Setting} says what each means. */
    public record SqlLimits(
            Duration statementLimit,
            int heapMaxPercent,
            int openTransactionsMax,
            int openStatementsMax,
            int openResultsMax,
            int statementMaxCharacters,
            long resultMaxBytes,
            int resultMaxRows) {
        SqlConfig applyTo(SqlConfig database) {
            return new SqlConfig(
                    database.settings(),
                    database.owner(),
                    database.ownerPassword(),
                    openTransactionsMax,
                    openStatementsMax,
                    openResultsMax,
                    statementMaxCharacters,
                    resultMaxBytes,
                    resultMaxRows,
                    database.firstAnswerRowsMax(),
                    database.firstAnswerBytesMax(),
                    statementLimit,
                    heapMaxPercent);
        }
    }

    /** @throws ConfigException when settings contradict each other */
    public LockstepConfig {
        classes = List.copyOf(classes);
        nodes = List.copyOf(nodes);
        voters = List.copyOf(voters);
        hazelcastMembers = List.copyOf(hazelcastMembers);
        check(
                role != ProcessRole.NODE || nodes.contains(name),
                Setting.NAME,
                "name is '" + name + "', which is not among nodes " + nodes + "; a node must be listed there");
        check(
                role == ProcessRole.NODE || !nodes.contains(name),
                Setting.NAME,
                "name is '" + name + "', which is among nodes " + nodes + "; " + aOr(role)
                        + " needs a name of its own");
        check(
                register == RegisterKind.ZOOKEEPER || !voters.isEmpty(),
                Setting.VOTERS,
                "setting 'voters' is missing; " + Setting.VOTERS.meaning() + " Allowed: "
                        + Setting.VOTERS.kind().allowed());
        check(
                register == RegisterKind.CASPAXOS || voters.isEmpty(),
                Setting.VOTERS,
                "voters are " + voters + ", but with register zookeeper nobody votes here; leave them out");
        check(
                (register == RegisterKind.ZOOKEEPER) != zooKeeperConnect.isEmpty(),
                Setting.ZOOKEEPER_CONNECT,
                "zookeeper-connect is '" + zooKeeperConnect + "' and register is " + Setting.word(register)
                        + "; it goes with register zookeeper, and only there");
        troubleWithOwner(host, ownerPasswordFile).ifPresent(trouble -> {
            throw new ConfigException(Setting.OWNER_PASSWORD_FILE.key(), trouble);
        });
        check(
                role != ProcessRole.ARBITER || voters.contains(name),
                Setting.NAME,
                "name is '" + name + "', which is not among voters " + voters + "; an arbiter does nothing but vote");
        MembershipConfig.troubleWithHosts(voters, hazelcastMembers).ifPresent(trouble -> {
            throw new ConfigException(Setting.VOTERS.key(), trouble);
        });
        check(
                sqlLimits.statementLimit().compareTo(limits.executionLimit()) < 0,
                Setting.STATEMENT_LIMIT,
                "statement-limit is " + SettingKind.time(sqlLimits.statementLimit()) + "; allowed: less than "
                        + "execution-limit (" + SettingKind.time(limits.executionLimit())
                        + "), which ends the process");
        check(
                limits.forwardLogBytes() >= 2L * limits.messageMaxBytes(),
                Setting.FORWARD_LOG_BYTES,
                "forward-log-bytes is " + limits.forwardLogBytes() + "; allowed: at least twice message-max-bytes ("
                        + limits.messageMaxBytes() + ")");
    }

    /** Why nobody may listen there with that password, if so: everybody knows the one that is there by default. */
    static Optional<String> troubleWithOwner(String host, Optional<Path> ownerPasswordFile) {
        try {
            if (ownerPasswordFile.isPresent() || InetAddress.getByName(host).isLoopbackAddress()) {
                return Optional.empty();
            }
        } catch (UnknownHostException e) {
            return Optional.of("host is '" + host + "': there is no such address");
        }
        return Optional.of("host is '" + host + "', where others can connect, and the owner's password is the one that"
                + " everybody knows; set owner-password-file to a file with another, or host to a loopback address");
    }

    /**
     * What the SQL sessions of a node are to be; reads the owner's password, and loads the classes.
     *
     * @throws ConfigException it cannot be read, or is empty; or a class cannot be used
     */
    SqlConfig sqlConfig() {
        return sqlLimits.applyTo(SqlConfig.DEFAULT
                .withSettings(withClasses(sql, classes))
                .withOwner(
                        owner,
                        ownerPasswordFile.map(LockstepConfig::passwordIn).orElse(SqlConfig.DEFAULT.ownerPassword())));
    }

    private static String passwordIn(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ConfigException(
                    Setting.OWNER_PASSWORD_FILE.key(), "owner-password-file cannot be read: " + e.getMessage());
        }
        check(
                !lines.isEmpty() && !lines.get(0).isBlank(),
                Setting.OWNER_PASSWORD_FILE,
                "owner-password-file " + file + " is empty; its first line must be the password");
        return lines.get(0);
    }

    /** Where a voter keeps the view register. */
    public Path registerFile() {
        return registerFile(directory);
    }

    /** Where a voter with that folder keeps the view register. */
    static Path registerFile(Path directory) {
        return directory.resolve("register");
    }

    /** Whether this process holds the view register. */
    public boolean isVoter() {
        return voters.contains(name);
    }

    /**
     * Reads a configuration file in YAML: one mapping from keys to texts or lists of texts.
     *
     * @throws ConfigException naming file, line, key, value and what is allowed
     */
    public static LockstepConfig read(Path file) {
        String text;
        try {
            if (Files.size(file) > FILE_MAX_BYTES) {
                throw new ConfigException("", "longer than 1 MiB").at(file.toString());
            }
            text = Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ConfigException("", "cannot be read: " + e).at(file.toString());
        }
        return parse(text, file.toString());
    }

    /**
     * Reads a configuration.
     *
     * @param source named in errors
     */
    static LockstepConfig parse(String yaml, String source) {
        Map<String, Integer> lines = new HashMap<>();
        try {
            return of(tuples(yaml, lines));
        } catch (ConfigException e) {
            Integer line = lines.get(e.key());
            throw e.at(line == null ? source : source + ", line " + line);
        } catch (MarkedYamlEngineException e) {
            String place =
                    e.getProblemMark().map(m -> ", line " + (m.getLine() + 1)).orElse("");
            throw new ConfigException("", "not YAML: " + e.getProblem()).at(source + place);
        } catch (YamlEngineException e) {
            throw new ConfigException("", "not YAML: " + e.getMessage()).at(source);
        }
    }

    /**
     * Builds a configuration.
     *
     * @param asWritten texts and lists of texts by key, as in a file
     * @throws ConfigException naming key, value and what is allowed
     */
    static LockstepConfig of(Map<String, Object> asWritten) {
        Map<String, Object> written = plain(asWritten);
        for (String key : written.keySet()) {
            if (Setting.of(key).isEmpty()) {
                throw Setting.unknown(key);
            }
        }
        Map<Setting, Object> values = new EnumMap<>(Setting.class);
        for (Setting setting : Setting.values()) {
            values.put(setting, setting.kind().read(setting.key(), writtenOrDefault(setting, written)));
        }
        return new LockstepConfig(
                Setting.CLUSTER.from(values),
                Setting.NAME.from(values),
                Setting.ROLE.from(values),
                Setting.DATABASE.from(values),
                Setting.SERVICE.from(values),
                Setting.LEVEL.from(values),
                Setting.WHEN_ALONE.from(values),
                Setting.OWNER.from(values),
                Setting.OWNER_PASSWORD_FILE.from(values),
                sql(values),
                Setting.CLASSES.from(values),
                Setting.NODES.from(values),
                Setting.REGISTER.from(values),
                Setting.VOTERS.from(values),
                Setting.ZOOKEEPER_CONNECT.from(values),
                Setting.HOST.from(values),
                Setting.PEER_PORT.<Integer>from(values),
                Setting.CLIENT_PORT.<Integer>from(values),
                Setting.HAZELCAST_PORT.<Integer>from(values),
                Setting.HAZELCAST_MEMBERS.from(values),
                Setting.DIRECTORY.from(values),
                Setting.FAILURE_DETECTION.from(values),
                new Bounds(
                        Math.toIntExact(Setting.MESSAGE_MAX_BYTES.<Long>from(values)),
                        Setting.HELD_MESSAGES_MAX.<Integer>from(values),
                        Setting.HELD_BYTES.<Long>from(values),
                        Setting.CONNECTIONS_MAX.<Integer>from(values),
                        Setting.FORWARD_LOG_BYTES.<Long>from(values),
                        Setting.TAKEOVER_BUDGET.from(values),
                        Setting.EXECUTION_LIMIT.from(values),
                        Setting.SESSION_LIMIT.from(values),
                        Setting.TRANSACTION_LIMIT.from(values),
                        Setting.SESSION_GRACE.from(values)),
                new SqlLimits(
                        Setting.STATEMENT_LIMIT.from(values),
                        Setting.HEAP_MAX_PERCENT.<Integer>from(values),
                        Setting.OPEN_TRANSACTIONS_MAX.<Integer>from(values),
                        Setting.OPEN_STATEMENTS_MAX.<Integer>from(values),
                        Setting.OPEN_RESULTS_MAX.<Integer>from(values),
                        Setting.STATEMENT_MAX_CHARACTERS.<Integer>from(values),
                        Setting.RESULT_MAX_BYTES.<Long>from(values),
                        Setting.RESULT_MAX_ROWS.<Integer>from(values)),
                Setting.RECORD_ENTRIES.from(values));
    }

    /** The file that {@link #read} reads to the same configuration. */
    public String toYaml() {
        StringBuilder yaml = new StringBuilder();
        for (Setting setting : Setting.values()) {
            Object value = setting.in(this);
            yaml.append(setting.key()).append(':');
            if (value instanceof List<?> list) {
                yaml.append(" [");
                for (int i = 0; i < list.size(); i++) {
                    yaml.append(i == 0 ? "" : ", ").append(quoted(list.get(i)));
                }
                yaml.append("]\n");
            } else {
                yaml.append(' ').append(quoted(value)).append('\n');
            }
        }
        return yaml.toString();
    }

    /** Keys of the database without its name. */
    private static Map<String, Object> plain(Map<String, Object> written) {
        String database = written.get(Setting.DATABASE.key()) instanceof String named
                ? named
                : String.valueOf(Setting.DATABASE.defaultText());
        Map<String, Object> plain = new HashMap<>();
        written.forEach((key, value) -> {
            if (plain.put(Setting.plain(key, database), value) != null) {
                throw new ConfigException(key, "setting '" + key + "' is there twice, with and without the database");
            }
        });
        return plain;
    }

    /** Settings of a database alone. @throws ConfigException one is wrong, or belongs to a process */
    static DatabaseSettings sqlOf(Map<String, String> written) {
        Map<Setting, Object> values = new EnumMap<>(Setting.class);
        for (Setting setting : Setting.values()) {
            if (setting.isOfDatabase()) {
                values.put(setting, setting.kind().read(setting.key(), String.valueOf(setting.defaultText())));
            }
        }
        written.forEach((key, value) -> {
            Setting setting = Setting.of(key)
                    .filter(Setting::isOfDatabase)
                    .orElseThrow(() -> new ConfigException(key, "'" + key + "' is no setting of a database"));
            values.put(setting, setting.kind().read(key, value));
        });
        return withClasses(sql(values), Setting.CLASSES.from(values));
    }

    private static DatabaseSettings withClasses(DatabaseSettings sql, List<String> classes) {
        try {
            return sql.withClasses(classes);
        } catch (IllegalArgumentException e) {
            throw new ConfigException(
                    Setting.CLASSES.key(),
                    "classes is '" + String.join(",", classes) + "': " + e.getMessage()
                            + "; allowed: public classes on the nodes' class path, LOCKSTEP_CLASSPATH for ./lockstep");
        }
    }

    private static DatabaseSettings sql(Map<Setting, Object> values) {
        try {
            return new DatabaseSettings(
                    Setting.MODE.from(values),
                    Setting.COLLATION.from(values),
                    Setting.IDENTIFIER_CASE.from(values),
                    Setting.CASE_INSENSITIVE_IDENTIFIERS.<Boolean>from(values),
                    Setting.NULL_ORDERING.from(values));
        } catch (IllegalArgumentException e) {
            throw new ConfigException(Setting.CASE_INSENSITIVE_IDENTIFIERS.key(), String.valueOf(e.getMessage()));
        }
    }

    private static Object writtenOrDefault(Setting setting, Map<String, Object> written) {
        Object value = written.get(setting.key());
        if (value != null) {
            return value;
        }
        String byDefault = setting.defaultText();
        if (byDefault == null) {
            throw new ConfigException(
                    setting.key(),
                    "setting '" + setting.key() + "' is missing; " + setting.meaning() + " Allowed: "
                            + setting.kind().allowed());
        }
        return setting.kind().isList() ? List.of() : byDefault;
    }

    private static Map<String, Object> tuples(String yaml, Map<String, Integer> lines) {
        Node root = new Compose(
                        LoadSettings.builder().setAllowDuplicateKeys(true).build())
                .composeString(yaml)
                .orElseThrow(() -> new ConfigException("", "it is empty"));
        if (!(root instanceof MappingNode mapping)) {
            throw new ConfigException("", "not a list of 'key: value' lines");
        }
        Map<String, Object> written = new HashMap<>();
        HashSet<String> seen = new HashSet<>();
        for (NodeTuple tuple : mapping.getValue()) {
            String key = scalar("", tuple.getKeyNode());
            lines.put(key, tuple.getKeyNode().getStartMark().map(Mark::getLine).orElse(-1) + 1);
            if (!seen.add(key)) {
                throw new ConfigException(key, "setting '" + key + "' is there twice");
            }
            written.put(key, value(key, tuple.getValueNode()));
        }
        return written;
    }

    private static Object value(String key, Node node) {
        if (node instanceof SequenceNode sequence) {
            return sequence.getValue().stream().map(n -> scalar(key, n)).toList();
        }
        return scalar(key, node);
    }

    private static String scalar(String key, Node node) {
        if (node instanceof ScalarNode scalar) {
            return scalar.getValue();
        }
        throw new ConfigException(
                key,
                "setting '" + key + "' is a mapping or nested list; allowed: "
                        + Setting.of(key).map(s -> s.kind().allowed()).orElse("a text"));
    }

    private static String aOr(ProcessRole role) {
        return role == ProcessRole.ARBITER ? "an arbiter" : "a " + Setting.word(role);
    }

    private static String quoted(Object value) {
        return "'" + value.toString().replace("'", "''") + "'";
    }

    private static void check(boolean condition, Setting setting, String complaint) {
        if (!condition) {
            throw new ConfigException(setting.key(), complaint);
        }
    }
}
