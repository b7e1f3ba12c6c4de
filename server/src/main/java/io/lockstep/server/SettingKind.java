package io.lockstep.server;

import io.lockstep.tsdstore.sql.DatabaseSettings;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How values of one kind are written and checked. Safe from any thread, because it is immutable.
 *
 * @param allowed what is allowed, for people
 * @param isList whether the value is a list of texts
 * @param reader from the text, or the list, to the value; throws IllegalArgumentException with a reason, or an empty
 *     message when {@code allowed} says it all
 */
record SettingKind(String allowed, boolean isList, Function<Object, Object> reader) {
    private static final Pattern NAME_PATTERN = Pattern.compile("[A-Za-z][A-Za-z0-9_-]{0,62}");
    private static final Pattern CLASS_PATTERN =
            Pattern.compile("\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*"
                    + "(\\.\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*)*");
    private static final Pattern TIME_PATTERN = Pattern.compile("([0-9]{1,12})(us|ms|s|m|h|d)");
    private static final Pattern BYTES_PATTERN = Pattern.compile("([0-9]{1,15})(B|KiB|MiB|GiB)?");
    private static final Pattern ADDRESS_PATTERN = Pattern.compile("(.+):([0-9]{1,5})");
    private static final int PORT_MAX = 65_535;
    private static final int VOTERS_MAX = 9;

    static final SettingKind NAME =
            one("a letter, then up to 62 letters, digits, hyphens, underscores", SettingKind::name);
    static final SettingKind NAME_OR_EMPTY =
            one("a name, or empty", text -> text.isEmpty() ? text : SettingKind.name(text));
    static final SettingKind NAMES = list("a list of names, at least one, none twice", names -> {
        if (names.isEmpty()) {
            throw new IllegalArgumentException("it is empty");
        }
        names.forEach(SettingKind::name);
        return distinct(names);
    });
    static final SettingKind VOTERS =
            list("a list of names, an odd number from 1 to 9, none twice; or empty", names -> {
                names.forEach(SettingKind::name);
                if (names.isEmpty()) {
                    return names;
                }
                if (names.size() % 2 == 0 || names.size() > VOTERS_MAX) {
                    throw new IllegalArgumentException(
                            "these are " + names.size() + "; an even number has no clear majority, so"
                                    + " add a distributor or an arbiter, or take one out");
                }
                return distinct(names);
            });
    static final SettingKind LEVEL = one("memory", text -> switch (text) {
        case "memory" -> Level.MEMORY;
        case "durable", "durable-all" ->
            throw new IllegalArgumentException("this version keeps no log on disk, so it cannot promise that level; "
                    + "with 'memory' an answer means that every in-sync backup holds the entry. Use memory, with "
                    + "--backups 1 or more");
        default -> throw new IllegalArgumentException("");
    });
    static final SettingKind LOOPBACK_HOST = one("a loopback address, like 127.0.0.1", text -> {
        try {
            if (!text.isEmpty() && InetAddress.getByName(text).isLoopbackAddress()) {
                return text;
            }
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("there is no such address", e);
        }
        throw new IllegalArgumentException(
                "this version neither encrypts nor asks who is there, so it listens on loopback only");
    });
    static final SettingKind MODE = one(String.join(", ", DatabaseSettings.modes()), DatabaseSettings::mode);
    static final SettingKind COLLATION =
            one("OFF, or a collation of Java's, like GERMAN or GERMAN STRENGTH PRIMARY", DatabaseSettings::collation);
    static final SettingKind CLASSES = one("full names of classes, several with commas, or empty", text -> {
        List<String> names = text.isBlank()
                ? List.of()
                : Arrays.stream(text.split(",", -1)).map(String::strip).toList();
        for (String name : names) {
            if (!CLASS_PATTERN.matcher(name).matches()) {
                throw new IllegalArgumentException("'" + name + "' is no name of a class");
            }
        }
        return distinct(names);
    });
    static final SettingKind TRUE_OR_FALSE = one("true, false", text -> switch (text) {
        case "true" -> true;
        case "false" -> false;
        default -> throw new IllegalArgumentException("");
    });
    static final SettingKind PORT = one("a port, 0 to 65535", text -> port(text));
    static final SettingKind PORT_TAKEN = one("a port, 1 to 65535", text -> {
        int value = port(text);
        if (value == 0) {
            throw new IllegalArgumentException("other processes must know it beforehand");
        }
        return value;
    });
    static final SettingKind PATH = one("a path", text -> {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("");
        }
        return path(text);
    });
    static final SettingKind PATH_OR_EMPTY = one(
            "a path, or empty",
            text -> text.isEmpty() ? java.util.Optional.empty() : java.util.Optional.of(path(text)));
    static final SettingKind ADDRESSES = list("a list of host:port, none twice", addresses -> {
        for (String address : addresses) {
            Matcher matcher = ADDRESS_PATTERN.matcher(address);
            if (!matcher.matches() || port(matcher.group(2)) == 0) {
                throw new IllegalArgumentException("'" + address + "' is not host:port with a port from 1 to 65535");
            }
        }
        return distinct(addresses);
    });

    static final SettingKind CONNECT_OR_EMPTY = one("host:port, several with commas, or empty", text -> {
        for (String address : text.isEmpty() ? new String[0] : text.split(",", -1)) {
            Matcher matcher = ADDRESS_PATTERN.matcher(address);
            if (!matcher.matches() || port(matcher.group(2)) == 0) {
                throw new IllegalArgumentException("'" + address + "' is not host:port with a port from 1 to 65535");
            }
        }
        return text;
    });

    static SettingKind choice(Class<? extends Enum<?>> type) {
        Enum<?>[] constants = type.getEnumConstants();
        String words = Arrays.stream(constants).map(Setting::word).collect(Collectors.joining(", "));
        return one(words, text -> Arrays.stream(constants)
                .filter(c -> Setting.word(c).equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("")));
    }

    static SettingKind time(String least, String most) {
        Duration from = time(least);
        Duration to = time(most);
        return one("a time from " + least + " to " + most + ", like 500ms, 10s, 5m, 1h, 2d", text -> {
            Duration value = time(text);
            if (value.compareTo(from) < 0 || value.compareTo(to) > 0) {
                throw new IllegalArgumentException("");
            }
            return value;
        });
    }

    static SettingKind bytes(long least, long most) {
        return one(
                "a length from " + bytesText(least) + " to " + bytesText(most) + ", like 65536, 64KiB, 1MiB", text -> {
                    Matcher matcher = BYTES_PATTERN.matcher(text);
                    if (!matcher.matches()) {
                        throw new IllegalArgumentException("");
                    }
                    String unit = matcher.group(2) == null ? "B" : matcher.group(2);
                    long factor =
                            switch (unit) {
                                case "KiB" -> 1L << 10;
                                case "MiB" -> 1L << 20;
                                case "GiB" -> 1L << 30;
                                default -> 1;
                            };
                    long value = Long.parseLong(matcher.group(1));
                    if (value > most / factor || value * factor < least) {
                        throw new IllegalArgumentException("");
                    }
                    return value * factor;
                });
    }

    static SettingKind count(int least, int most) {
        return one("a whole number from " + least + " to " + most, text -> {
            int value = number(text, most);
            if (value < least) {
                throw new IllegalArgumentException("");
            }
            return value;
        });
    }

    /** Reads a value. @throws ConfigException naming the key, the value and what is allowed */
    Object read(String key, Object written) {
        String shown = written instanceof List<?> ? written.toString() : "'" + written + "'";
        if (isList != written instanceof List<?>) {
            throw new ConfigException(key, key + " is " + shown + "; allowed: " + allowed);
        }
        try {
            return reader.apply(written);
        } catch (IllegalArgumentException e) {
            String reason = e.getMessage() == null || e.getMessage().isEmpty() ? "" : ": " + e.getMessage();
            throw new ConfigException(key, key + " is " + shown + reason + "; allowed: " + allowed);
        }
    }

    /** A time as it is written, in the largest unit without a rest. */
    static String time(Duration time) {
        long micros = time.toNanos() / 1_000;
        if (micros % 1_000 != 0) {
            return micros + "us";
        }
        long millis = micros / 1_000;
        if (millis % 1_000 != 0) {
            return millis + "ms";
        }
        return millis / 1_000 + "s";
    }

    /** The time that a text like {@code 500ms} means. */
    static Duration time(String text) {
        Matcher matcher = TIME_PATTERN.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("");
        }
        long value = Long.parseLong(matcher.group(1));
        try {
            return switch (matcher.group(2)) {
                case "us" -> Duration.ofNanos(Math.multiplyExact(value, 1_000));
                case "ms" -> Duration.ofMillis(value);
                case "s" -> Duration.ofSeconds(value);
                case "m" -> Duration.ofMinutes(value);
                case "h" -> Duration.ofHours(value);
                default -> Duration.ofDays(value);
            };
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("", e);
        }
    }

    private static String bytesText(long bytes) {
        String[] units = {"GiB", "MiB", "KiB"};
        for (int i = 0; i < units.length; i++) {
            long factor = 1L << (30 - 10 * i);
            if (bytes >= factor && bytes % factor == 0) {
                return bytes / factor + units[i];
            }
        }
        return Long.toString(bytes);
    }

    private static String name(String text) {
        if (!NAME_PATTERN.matcher(text).matches()) {
            throw new IllegalArgumentException("");
        }
        return text;
    }

    private static int port(String text) {
        return number(text, PORT_MAX);
    }

    private static int number(String text, int most) {
        if (!text.matches("[0-9]{1,10}") || Long.parseLong(text) > most) {
            throw new IllegalArgumentException("");
        }
        return Integer.parseInt(text);
    }

    private static Path path(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static List<String> distinct(List<String> texts) {
        Set<String> seen = new HashSet<>();
        for (String text : texts) {
            if (!seen.add(text)) {
                throw new IllegalArgumentException("'" + text + "' is there twice");
            }
        }
        return List.copyOf(texts);
    }

    private static SettingKind one(String allowed, Function<String, Object> reader) {
        return new SettingKind(allowed, false, value -> reader.apply((String) value));
    }

    private static SettingKind list(String allowed, Function<List<String>, Object> reader) {
        return new SettingKind(
                allowed,
                true,
                value -> reader.apply(
                        ((List<?>) value).stream().map(String.class::cast).toList()));
    }

    @Override
    public String toString() {
        return allowed.toLowerCase(Locale.ROOT);
    }
}
