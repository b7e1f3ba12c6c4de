package io.lockstep.jdbc;

import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be set about a connection, in its URL or in its {@code Properties}; the URL wins. Names are those of
 * pgjdbc where the meaning is the same.
 */
public enum DriverProperty {
    USER("user", "app", Range.anything(), "name of the user"),
    PASSWORD("password", "", Range.anything(), "the user's password; it never leaves this process (SCRAM-SHA-256)"),
    APPLICATION_NAME("ApplicationName", "jdbc", Range.name(), "what the distributor's status calls this connection"),
    CONNECT_TIMEOUT("connectTimeout", "10", Range.number(1, 3_600), "seconds that opening a connection may take"),
    LOGIN_TIMEOUT(
            "loginTimeout",
            "0",
            Range.number(0, 3_600),
            "seconds that opening a connection and logging in may take; 0: as connectTimeout"),
    SOCKET_TIMEOUT(
            "socketTimeout",
            "60",
            Range.number(1, 3_600),
            "seconds after which a statement ends in any case; waiting for locks is included"),
    CURRENT_SCHEMA("currentSchema", "", Range.anything(), "schema to begin with; empty: the database's default"),
    READ_ONLY("readOnly", "false", Range.oneOf("false", "true"), "whether connections begin as read-only, a hint"),
    DEFAULT_ROW_FETCH_SIZE(
            "defaultRowFetchSize",
            "0",
            Range.number(0, 1_000_000),
            "rows of a result in one answer, about, where a statement does not say; 0: as many as fit"),
    PREPARED_STATEMENT_CACHE_QUERIES(
            "preparedStatementCacheQueries",
            "256",
            Range.number(0, 65_536),
            "statements that a connection keeps prepared after they were closed"),
    DEFER_UPDATES(
            "deferUpdates",
            "false",
            Range.oneOf("false", "true"),
            "whether updates of one row by its key are answered before they lock it, and done when the transaction ends"),
    TIME_ZONE("TimeZone", "", Range.timeZone(), "time zone of the session; empty: this process's"),
    CLUSTER("cluster", "lockstep", Range.name(), "cluster id of the database's processes"),
    SSL_MODE(
            "sslmode",
            "disable",
            Range.oneOf("disable", "allow", "prefer"),
            "whether to encrypt; distributors do not offer it yet, so only what goes without is allowed");

    /** Settings that belong to a database here, although H2 takes them in a URL. */
    private static final List<String> OF_DATABASES = List.of(
            "MODE",
            "COLLATION",
            "DATABASE_TO_UPPER",
            "DATABASE_TO_LOWER",
            "CASE_INSENSITIVE_IDENTIFIERS",
            "DEFAULT_NULL_ORDERING");

    private final String key;
    private final String defaultValue;
    private final Range range;
    private final String description;

    DriverProperty(String key, String defaultValue, Range range, String description) {
        this.key = key;
        this.defaultValue = defaultValue;
        this.range = range;
        this.description = description;
    }

    /** Its name in URLs and properties. */
    public String key() {
        return key;
    }

    /** Its value where none is given. */
    public String defaultValue() {
        return defaultValue;
    }

    /** Which values it takes, for people. */
    public String range() {
        return range.text();
    }

    /** What it does, for people. */
    public String description() {
        return description;
    }

    /** The property of that name. @throws SQLException there is none; the text names what may be meant */
    static DriverProperty of(String name) throws SQLException {
        for (DriverProperty property : values()) {
            if (property.key.equals(name)) {
                return property;
            }
        }
        String upper = name.toUpperCase(Locale.ROOT);
        if (OF_DATABASES.contains(upper)) {
            throw SqlState.INVALID_PROPERTY.exception("\"" + name
                    + "\" is a setting of the database, not of a connection: set databases.NAME." + databaseKey(upper)
                    + " where its nodes are configured, or start it with up --database NAME --set "
                    + databaseKey(upper) + "=VALUE");
        }
        throw SqlState.INVALID_PROPERTY.exception("unknown property \"" + name + "\"; did you mean \""
                + nearest(name).key + "\"? Known are "
                + String.join(
                        ", ", Arrays.stream(values()).map(DriverProperty::key).toList()));
    }

    /** The nodes' own word for what H2 has in its URL. */
    private static String databaseKey(String upper) {
        return switch (upper) {
            case "DATABASE_TO_UPPER", "DATABASE_TO_LOWER" -> "identifier-case";
            case "DEFAULT_NULL_ORDERING" -> "null-ordering";
            default -> upper.toLowerCase(Locale.ROOT).replace('_', '-');
        };
    }

    private static DriverProperty nearest(String name) {
        DriverProperty best = USER;
        int bestDistance = Integer.MAX_VALUE;
        for (DriverProperty property : values()) {
            int distance = distance(name.toLowerCase(Locale.ROOT), property.key.toLowerCase(Locale.ROOT));
            if (distance < bestDistance) {
                bestDistance = distance;
                best = property;
            }
        }
        return best;
    }

    /** Letters to insert, delete or change (V. Levenshtein, 1965). */
    private static int distance(String one, String other) {
        int[] above = new int[other.length() + 1];
        Arrays.setAll(above, i -> i);
        for (int i = 1; i <= one.length(); i++) {
            int[] row = new int[other.length() + 1];
            row[0] = i;
            for (int j = 1; j <= other.length(); j++) {
                int change = above[j - 1] + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, Math.min(above[j], row[j - 1]) + 1);
            }
            above = row;
        }
        return above[other.length()];
    }

    /** The value, checked. @throws SQLException it is out of range; the text names property, value and range */
    String checked(String value) throws SQLException {
        if (!range.allows(value)) {
            boolean isSecret = this == PASSWORD;
            throw SqlState.INVALID_PROPERTY.exception("property " + key + " is "
                    + (isSecret ? "malformed" : "\"" + value + "\"") + ", but must be " + range.text()
                    + (this == SSL_MODE ? "; this version's distributors do not offer TLS" : ""));
        }
        return value;
    }

    String get(Map<DriverProperty, String> values) {
        return values.getOrDefault(this, defaultValue);
    }

    int getNumber(Map<DriverProperty, String> values) {
        return Integer.parseInt(get(values));
    }

    DriverPropertyInfo info(@Nullable String value) {
        DriverPropertyInfo info = new DriverPropertyInfo(key, value == null ? defaultValue : value);
        info.description = description + " (" + range.text() + ")";
        info.required = false;
        info.choices = range.choices().isEmpty() ? null : range.choices().toArray(new String[0]);
        return info;
    }

    /** Which values a property takes. */
    private record Range(String text, List<String> choices, java.util.function.Predicate<String> isAllowed) {
        boolean allows(String value) {
            return isAllowed.test(value);
        }

        static Range anything() {
            return new Range("any text", List.of(), value -> true);
        }

        static Range name() {
            return new Range(
                    "1 to 64 bytes",
                    List.of(),
                    value -> !value.isEmpty()
                            && value.getBytes(java.nio.charset.StandardCharsets.UTF_8).length <= 64
                            && value.chars().noneMatch(Character::isISOControl));
        }

        static Range number(int least, int most) {
            return new Range(least + " to " + most, List.of(), value -> {
                try {
                    int number = Integer.parseInt(value);
                    return number >= least && number <= most;
                } catch (NumberFormatException e) {
                    return false;
                }
            });
        }

        static Range oneOf(String... values) {
            return new Range(String.join(", ", values), List.of(values), List.of(values)::contains);
        }

        static Range timeZone() {
            return new Range(
                    "a time zone's name, as Europe/Berlin or GMT+2",
                    List.of(),
                    value -> value.isEmpty()
                            || value.equals("GMT")
                            || !TimeZone.getTimeZone(value).getID().equals("GMT"));
        }
    }
}
