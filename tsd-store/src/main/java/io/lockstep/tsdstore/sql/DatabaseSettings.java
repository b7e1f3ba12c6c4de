package io.lockstep.tsdstore.sql;

import io.lockstep.tsdstore.H2Properties;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Modifier;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.h2.engine.Mode;
import org.h2.value.CompareMode;

/**
 * What a database is from its first entry on: how it understands SQL, and how it compares texts. Equal on all nodes: the
 * chain of entries begins with it. Immutable.
 *
 * @param mode name of H2's compatibility mode, as H2 writes it
 * @param collation as H2 writes it, with or without a strength; OFF compares code by code
 * @param identifierCase what becomes of names that are not in quotes
 * @param hasCaseInsensitiveIdentifiers whether names that differ only by case are one
 * @param nullOrdering where NULL stands in an order that does not say
 * @param classes names of the Java classes that functions, aggregates and triggers may be made of, each with the SHA-256
 *     of its file, in hexadecimal digits
 */
public record DatabaseSettings(
        String mode,
        String collation,
        IdentifierCase identifierCase,
        boolean hasCaseInsensitiveIdentifiers,
        NullOrdering nullOrdering,
        SortedMap<String, String> classes) {
    static {
        // Whoever reads a configuration loads this before any database is opened.
        H2Properties.set();
    }

    /** Compares code by code. */
    public static final String NO_COLLATION = "OFF";

    /** As H2 is where nobody says anything. */
    public static final DatabaseSettings DEFAULT =
            new DatabaseSettings("REGULAR", NO_COLLATION, IdentifierCase.UPPER, false, NullOrdering.LOW);

    private static final List<String> STRENGTHS = List.of("PRIMARY", "SECONDARY", "TERTIARY", "IDENTICAL");

    /** What becomes of names that are not in quotes. */
    public enum IdentifierCase {
        UPPER,
        LOWER,
        /** They stay as they are written. */
        EXACT
    }

    /** Where NULL stands. */
    public enum NullOrdering {
        LOW,
        HIGH,
        FIRST,
        LAST
    }

    /** Without classes. @throws IllegalArgumentException H2 has no such mode or collation */
    public DatabaseSettings(
            String mode,
            String collation,
            IdentifierCase identifierCase,
            boolean hasCaseInsensitiveIdentifiers,
            NullOrdering nullOrdering) {
        this(mode, collation, identifierCase, hasCaseInsensitiveIdentifiers, nullOrdering, new TreeMap<>());
    }

    /** @throws IllegalArgumentException H2 has no such mode or collation */
    public DatabaseSettings {
        mode = mode(mode);
        collation = collation(collation);
        classes = Collections.unmodifiableSortedMap(new TreeMap<>(classes));
        if (hasCaseInsensitiveIdentifiers && identifierCase != IdentifierCase.EXACT) {
            throw new IllegalArgumentException(
                    "identifiers without regard to case go with identifier-case exact, not with "
                            + identifierCase.name().toLowerCase(Locale.ROOT));
        }
    }

    /** Names of all modes. */
    public static List<String> modes() {
        return Arrays.stream(Mode.ModeEnum.values()).map(Enum::name).toList();
    }

    /** A mode's name as H2 writes it. @throws IllegalArgumentException there is none */
    public static String mode(String name) {
        return modes().stream()
                .filter(each -> each.equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no mode '" + name + "'"));
    }

    /** A collation as H2 writes it. @throws IllegalArgumentException there is none */
    public static String collation(String text) {
        String[] words = text.strip().toUpperCase(Locale.ROOT).split("\\s+", -1);
        boolean isKnown = words.length == 1 || (words.length == 3 && words[1].equals("STRENGTH"));
        if (!isKnown
                || (words.length == 3 && !STRENGTHS.contains(words[2]))
                || (!words[0].equals(NO_COLLATION) && !isCollation(words[0]))) {
            throw new IllegalArgumentException("there is no collation '" + text + "'");
        }
        return String.join(" ", words);
    }

    private static boolean isCollation(String name) {
        return name.matches("[A-Z0-9_]+")
                && Arrays.stream(CompareMode.getCollationLocales(false))
                        .anyMatch(each -> CompareMode.getName(each).equalsIgnoreCase(name)
                                || each.toString().equalsIgnoreCase(name)
                                || each.getLanguage().equalsIgnoreCase(name));
    }

    /**
     * The same with classes, which are loaded here.
     *
     * @param names as {@link Class#forName} takes them
     * @throws IllegalArgumentException there is no such class on the class path, or it cannot be used
     */
    public DatabaseSettings withClasses(Collection<String> names) {
        SortedMap<String, String> found = new TreeMap<>();
        names.forEach(each -> found.put(each, digestOf(each)));
        return withClasses(found);
    }

    /** The same with classes that are known by the digests of their files. */
    DatabaseSettings withClasses(Map<String, String> digests) {
        return new DatabaseSettings(
                mode, collation, identifierCase, hasCaseInsensitiveIdentifiers, nullOrdering, new TreeMap<>(digests));
    }

    private static String digestOf(String name) {
        try {
            // Initialized, too: what fails then fails here, and not when a statement first calls it.
            Class<?> found = Class.forName(name, true, Mode.class.getClassLoader());
            if (!Modifier.isPublic(found.getModifiers())) {
                throw new IllegalArgumentException("class " + name + " is not public");
            }
            String file = '/' + name.replace('.', '/') + ".class";
            try (InputStream in = found.getResourceAsStream(file)) {
                if (in == null) {
                    throw new IllegalArgumentException("class " + name + " has no file " + file + " on the class path");
                }
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(in.readAllBytes());
                return HexFormat.of().formatHex(digest);
            }
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException("there is no class " + name + " on the class path", e);
        } catch (LinkageError | IOException e) {
            Throwable reason = e.getCause() == null ? e : e.getCause();
            throw new IllegalArgumentException("class " + name + " cannot be loaded: " + reason, e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Whether the time functions give the same from a transaction's beginning to its end. */
    boolean isTimeOfTransaction() {
        return Mode.getInstance(mode).dateTimeValueWithinTransaction;
    }

    /** What stands in H2's URL for it. */
    String url() {
        return ";MODE=" + mode
                + ";DATABASE_TO_UPPER=" + (identifierCase == IdentifierCase.UPPER)
                + ";DATABASE_TO_LOWER=" + (identifierCase == IdentifierCase.LOWER)
                + ";CASE_INSENSITIVE_IDENTIFIERS=" + hasCaseInsensitiveIdentifiers
                + ";DEFAULT_NULL_ORDERING=" + nullOrdering;
    }

    /** For comparing with other nodes'; empty where nobody has said anything. */
    public String text() {
        return equals(DEFAULT)
                ? ""
                : "mode " + mode + ", collation " + collation + ", identifier-case "
                        + identifierCase.name().toLowerCase(Locale.ROOT) + ", case-insensitive-identifiers "
                        + hasCaseInsensitiveIdentifiers + ", null-ordering "
                        + nullOrdering.name().toLowerCase(Locale.ROOT) + classesText();
    }

    /** The classes and their versions; empty where there are none. */
    String classesText() {
        return classes.isEmpty()
                ? ""
                : classes.entrySet().stream()
                        .map(each -> each.getKey() + " (" + each.getValue() + ")")
                        .collect(Collectors.joining(" ", ", classes ", ""));
    }
}
