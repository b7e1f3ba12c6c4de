package io.lockstep.server;

import io.lockstep.tsdstore.sql.DatabaseSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Every setting of a process: key, kind, default, meaning, and where it is kept. The one table from which files are
 * read, written and documented. Safe from any thread, because it is immutable.
 */
public enum Setting {
    CLUSTER(
            "cluster",
            SettingKind.NAME,
            "lockstep",
            "Processes of different clusters refuse each other.",
            c -> c.cluster()),
    NAME("name", SettingKind.NAME, null, "Name of this process, unique in the cluster.", c -> c.name()),
    ROLE("role", SettingKind.choice(ProcessRole.class), null, "What this process is.", c -> word(c.role())),
    DATABASE("database", SettingKind.NAME, "lockstep", "Name of the database.", c -> c.database()),
    SERVICE(
            "service",
            SettingKind.NAME_OR_EMPTY,
            "",
            "Which TransactionService the nodes run; empty takes the only one on the class path.",
            c -> c.service()),
    LEVEL(
            "level",
            SettingKind.LEVEL,
            "memory",
            "When an answer may go: every in-sync backup holds it.",
            c -> word(c.level())),
    WHEN_ALONE(
            "when-alone",
            SettingKind.choice(WhenAlone.class),
            "continue",
            "What the active does when the last backup has left the view.",
            c -> word(c.whenAlone())),
    OWNER("owner", SettingKind.NAME, "app", "User to whom the database belongs, who makes all others.", c -> c.owner()),
    OWNER_PASSWORD_FILE(
            "owner-password-file",
            SettingKind.PATH_OR_EMPTY,
            "",
            "File whose first line is the owner's first password, equal for all nodes; empty: app, on loopback only.",
            c -> c.ownerPasswordFile().map(Object::toString).orElse("")),
    MODE("mode", SettingKind.MODE, "REGULAR", "Whose SQL the database understands beside H2's own.", c -> c.sql()
            .mode()),
    COLLATION("collation", SettingKind.COLLATION, "OFF", "How texts are compared.", c -> c.sql()
            .collation()),
    IDENTIFIER_CASE(
            "identifier-case",
            SettingKind.choice(DatabaseSettings.IdentifierCase.class),
            "upper",
            "What becomes of names that are not in quotes; exact: they stay as they are written.",
            c -> word(c.sql().identifierCase())),
    CASE_INSENSITIVE_IDENTIFIERS(
            "case-insensitive-identifiers",
            SettingKind.TRUE_OR_FALSE,
            "false",
            "Whether names that differ only by case are one; with identifier-case exact.",
            c -> c.sql().hasCaseInsensitiveIdentifiers()),
    NULL_ORDERING(
            "null-ordering",
            SettingKind.choice(DatabaseSettings.NullOrdering.class),
            "low",
            "Where NULL stands in an order that does not say.",
            c -> word(c.sql().nullOrdering())),
    CLASSES(
            "classes",
            SettingKind.CLASSES,
            "",
            "Java classes on the nodes' class path that functions, aggregates and triggers may be made of; each node has them"
                    + " in the same version.",
            c -> String.join(",", c.classes())),
    NODES("nodes", SettingKind.NAMES, null, "Names of all nodes of the database.", c -> c.nodes()),
    REGISTER(
            "register",
            SettingKind.choice(RegisterKind.class),
            "caspaxos",
            "Where the view register is kept: on the disks of the voters, or in a ZooKeeper ensemble that is there already.",
            c -> word(c.register())),
    VOTERS(
            "voters",
            SettingKind.VOTERS,
            "",
            "Names of the processes that hold the view register: an odd number, at most one per host (loopback excepted);"
                    + " none with register zookeeper.",
            c -> c.voters()),
    ZOOKEEPER_CONNECT(
            "zookeeper-connect",
            SettingKind.CONNECT_OR_EMPTY,
            "",
            "Where the ZooKeeper ensemble is, with register zookeeper. Its connection is not encrypted.",
            c -> c.zooKeeperConnect()),
    HOST("host", SettingKind.LOOPBACK_HOST, "127.0.0.1", "Address that this process listens on.", c -> c.host()),
    PEER_PORT(
            "peer-port", SettingKind.PORT, "0", "Port for the other processes; 0 takes a free one.", c -> c.peerPort()),
    CLIENT_PORT(
            "client-port",
            SettingKind.PORT,
            "0",
            "Port of a distributor for clients; 0 takes a free one.",
            c -> c.clientPort()),
    HAZELCAST_PORT("hazelcast-port", SettingKind.PORT_TAKEN, null, "Port for finding members.", c -> c.hazelcastPort()),
    HAZELCAST_MEMBERS(
            "hazelcast-members",
            SettingKind.ADDRESSES,
            null,
            "Where members may be found: host:hazelcast-port of each process.",
            c -> c.hazelcastMembers()),
    DIRECTORY("directory", SettingKind.PATH, null, "Folder for what this process keeps on disk.", c -> c.directory()
            .toString()),
    FAILURE_DETECTION(
            "failure-detection",
            SettingKind.time("50ms", "60s"),
            "500ms",
            "Silence after which a process is suspected; a backup waits one and a half times as long.",
            c -> SettingKind.time(c.failureDetection())),
    MESSAGE_MAX_BYTES(
            "message-max-bytes",
            SettingKind.bytes(1 << 10, 3 << 20),
            "1MiB",
            "Longest message or answer.",
            c -> c.limits().messageMaxBytes()),
    HELD_MESSAGES_MAX(
            "held-messages-max",
            SettingKind.count(1, 10_000_000),
            "65536",
            "Messages that a distributor holds until they are answered; beyond, new ones are refused.",
            c -> c.limits().heldMessagesMax()),
    HELD_BYTES(
            "held-bytes",
            SettingKind.bytes(1 << 20, 16L << 30),
            "64MiB",
            "Bytes of the messages that a distributor holds; beyond, new ones are refused.",
            c -> c.limits().heldBytes()),
    CONNECTIONS_MAX(
            "connections-max",
            SettingKind.count(1, 100_000),
            "1024",
            "Connections accepted at a time; beyond, new ones are refused.",
            c -> c.limits().connectionsMax()),
    FORWARD_LOG_BYTES(
            "forward-log-bytes",
            SettingKind.bytes(1 << 20, 16L << 30),
            "64MiB",
            "Newest entries that a node keeps in memory for repeats and joins.",
            c -> c.limits().forwardLogBytes()),
    TAKEOVER_BUDGET(
            "takeover-budget",
            SettingKind.time("1ms", "10s"),
            "50ms",
            "Execution time that a backup may lag behind before the active holds back new work.",
            c -> SettingKind.time(c.limits().takeoverBudget())),
    EXECUTION_LIMIT(
            "execution-limit",
            SettingKind.time("100ms", "1h"),
            "2m",
            "An active that works on one message for longer ends itself, and the message is barred: for what"
                    + " statement-limit cannot end.",
            c -> SettingKind.time(c.limits().executionLimit())),
    STATEMENT_LIMIT(
            "statement-limit",
            SettingKind.time("10ms", "1h"),
            "30s",
            "A SQL statement that runs for longer is undone and fails with 57014; less than execution-limit.",
            c -> SettingKind.time(c.sqlLimits().statementLimit())),
    HEAP_MAX_PERCENT(
            "heap-max-percent",
            SettingKind.count(10, 100),
            "90",
            "When more of the heap is in use after a collection, the SQL statement that has run for longest is undone and"
                    + " fails with 53200; 100 never does that.",
            c -> c.sqlLimits().heapMaxPercent()),
    OPEN_TRANSACTIONS_MAX(
            "open-transactions-max",
            SettingKind.count(1, 65_000),
            "10000",
            "SQL transactions open at a time; one more fails with 54000. Equal on all nodes, as the next five.",
            c -> c.sqlLimits().openTransactionsMax()),
    OPEN_STATEMENTS_MAX(
            "open-statements-max",
            SettingKind.count(1, 1_000_000),
            "4096",
            "Prepared statements that a SQL session may have open; one more fails with 54000.",
            c -> c.sqlLimits().openStatementsMax()),
    OPEN_RESULTS_MAX(
            "open-results-max",
            SettingKind.count(1, 1_000_000),
            "1024",
            "Results with rows to fetch that a SQL session may have open; one more fails with 54000.",
            c -> c.sqlLimits().openResultsMax()),
    STATEMENT_MAX_CHARACTERS(
            "statement-max-characters",
            SettingKind.count(100, 3_000_000),
            "1000000",
            "Longest text of a SQL statement; a longer one fails with 54000.",
            c -> c.sqlLimits().statementMaxCharacters()),
    RESULT_MAX_BYTES(
            "result-max-bytes",
            SettingKind.bytes(1 << 10, 16L << 30),
            "64MiB",
            "Memory for the open results of a SQL session, and for its large objects on their way up; more fails with"
                    + " 54000.",
            c -> c.sqlLimits().resultMaxBytes()),
    RESULT_MAX_ROWS(
            "result-max-rows",
            SettingKind.count(1, 100_000_000),
            "1000000",
            "Rows of one result; more fail with 54000.",
            c -> c.sqlLimits().resultMaxRows()),
    SESSION_LIMIT(
            "session-limit",
            SettingKind.time("1s", "365d"),
            "10m",
            "A session that is idle for longer is closed and its transactions are expired.",
            c -> SettingKind.time(c.limits().sessionLimit())),
    TRANSACTION_LIMIT(
            "transaction-limit",
            SettingKind.time("1s", "365d"),
            "1d",
            "A transaction that is idle for longer expires, unless the service set another limit.",
            c -> SettingKind.time(c.limits().transactionLimit())),
    SESSION_GRACE(
            "session-grace",
            SettingKind.time("10ms", "1d"),
            "10s",
            "How long a distributor waits for a vanished client before it closes its session.",
            c -> SettingKind.time(c.limits().sessionGrace())),
    RECORD_ENTRIES(
            "record-entries",
            SettingKind.PATH_OR_EMPTY,
            "",
            "File into which a node writes every entry that it executed, for replay; empty writes none.",
            c -> c.recordEntries().map(Object::toString).orElse(""));

    private static final String OF_DATABASE = "databases.";

    private final String key;
    private final SettingKind kind;
    private final @Nullable String defaultText;
    private final String meaning;
    private final Function<LockstepConfig, Object> getter;

    Setting(
            String key,
            SettingKind kind,
            @Nullable String defaultText,
            String meaning,
            Function<LockstepConfig, Object> getter) {
        this.key = key;
        this.kind = kind;
        this.defaultText = defaultText;
        this.meaning = meaning;
        this.getter = getter;
    }

    /** The key in a configuration file. */
    public String key() {
        return key;
    }

    SettingKind kind() {
        return kind;
    }

    /** What it is when the file does not say; null when the file must. */
    public @Nullable String defaultText() {
        return defaultText;
    }

    /** One sentence for the table of settings. */
    public String meaning() {
        return meaning;
    }

    /** Its value in that configuration, as it would be written: a text, a number or a list of texts. */
    Object in(LockstepConfig config) {
        return getter.apply(config);
    }

    /** Whether it may be given for all processes of a cluster at once; the others say what each process is. */
    boolean isShared() {
        return switch (this) {
            case OWNER,
                    OWNER_PASSWORD_FILE,
                    MODE,
                    COLLATION,
                    IDENTIFIER_CASE,
                    CASE_INSENSITIVE_IDENTIFIERS,
                    NULL_ORDERING,
                    CLASSES,
                    REGISTER,
                    ZOOKEEPER_CONNECT,
                    LEVEL,
                    WHEN_ALONE,
                    FAILURE_DETECTION,
                    MESSAGE_MAX_BYTES,
                    HELD_MESSAGES_MAX,
                    HELD_BYTES,
                    CONNECTIONS_MAX,
                    FORWARD_LOG_BYTES,
                    TAKEOVER_BUDGET,
                    EXECUTION_LIMIT,
                    STATEMENT_LIMIT,
                    HEAP_MAX_PERCENT,
                    OPEN_TRANSACTIONS_MAX,
                    OPEN_STATEMENTS_MAX,
                    OPEN_RESULTS_MAX,
                    STATEMENT_MAX_CHARACTERS,
                    RESULT_MAX_BYTES,
                    RESULT_MAX_ROWS,
                    SESSION_LIMIT,
                    TRANSACTION_LIMIT,
                    SESSION_GRACE -> true;
            case CLUSTER,
                    NAME,
                    ROLE,
                    DATABASE,
                    SERVICE,
                    NODES,
                    VOTERS,
                    HOST,
                    PEER_PORT,
                    CLIENT_PORT,
                    HAZELCAST_PORT,
                    HAZELCAST_MEMBERS,
                    DIRECTORY,
                    RECORD_ENTRIES -> false;
        };
    }

    /** Whether it belongs to the database, so that its key may also be written {@code databases.NAME.key}. */
    boolean isOfDatabase() {
        return switch (this) {
            case OWNER,
                    OWNER_PASSWORD_FILE,
                    MODE,
                    COLLATION,
                    IDENTIFIER_CASE,
                    CASE_INSENSITIVE_IDENTIFIERS,
                    NULL_ORDERING,
                    CLASSES -> true;
            default -> false;
        };
    }

    /**
     * The key without the database that it is for.
     *
     * @throws ConfigException it is for another database than that one
     */
    static String plain(String key, String database) {
        if (!key.startsWith(OF_DATABASE)) {
            return key;
        }
        int end = key.indexOf('.', OF_DATABASE.length());
        String name = end < 0 ? "" : key.substring(OF_DATABASE.length(), end);
        String plain = key.substring(end + 1);
        if (end < 0 || of(plain).filter(Setting::isOfDatabase).isEmpty()) {
            throw unknown(key);
        }
        if (!name.equals(database)) {
            throw new ConfigException(
                    key, "setting '" + key + "' is for database '" + name + "'; this one is '" + database + "'");
        }
        return plain;
    }

    /** The setting with that key. */
    static Optional<Setting> of(String key) {
        return Arrays.stream(values()).filter(s -> s.key.equals(key)).findFirst();
    }

    /** What to say about a key that is none. */
    static ConfigException unknown(String key) {
        List<String> keys =
                new ArrayList<>(Arrays.stream(values()).map(Setting::key).toList());
        String nearest = keys.stream()
                .min((a, b) -> Integer.compare(distance(key, a), distance(key, b)))
                .orElseThrow();
        String suggestion = distance(key, nearest) <= 3 ? " Did you mean '" + nearest + "'?" : "";
        return new ConfigException(
                key, "unknown setting '" + key + "'." + suggestion + " Allowed: " + String.join(", ", keys));
    }

    /** The table of settings as in docs/settings.md. */
    static String table() {
        StringBuilder table = new StringBuilder("| setting | default | allowed | meaning |\n|---|---|---|---|\n");
        for (Setting each : values()) {
            String byDefault = each.defaultText == null
                    ? "(required)"
                    : each.defaultText.isEmpty() ? "(empty)" : "`" + each.defaultText + "`";
            table.append("| `")
                    .append(each.key)
                    .append("` | ")
                    .append(byDefault)
                    .append(" | ")
                    .append(each.kind.allowed())
                    .append(" | ")
                    .append(each.meaning)
                    .append(" |\n");
        }
        return table.toString();
    }

    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Edit distance (Levenshtein): letters to insert, delete or replace. */
    private static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        Arrays.setAll(previous, i -> i);
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, Math.min(previous[j], row[j - 1]) + 1);
            }
            previous = row;
        }
        return previous[b.length()];
    }

    /** Reads a value that is kept under this setting. */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    <T> T from(Map<Setting, Object> values) {
        return (T) java.util.Objects.requireNonNull(values.get(this), key);
    }
}
