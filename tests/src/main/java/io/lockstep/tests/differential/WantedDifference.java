package io.lockstep.tests.differential;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Differences from plain H2 that are meant, and documented in docs/jdbc.md. What else is excused: which of two messages that
 * block each other is ended, see {@link Comparison}.
 */
enum WantedDifference {
    /** An error that prints a row prints a large object by its content or length, and H2 adds a number or an address. */
    LARGE_OBJECT_IN_TEXT("(?s)(PRIMARY KEY ON \\w+\\.T5\\(ID\\) \\().*?(\\)\"; SQL statement)");

    private final Pattern part;

    WantedDifference(String part) {
        this.part = Pattern.compile(part);
    }

    /** Which one it is; null when it is none. */
    static @Nullable WantedDifference between(String plain, String ours) {
        for (WantedDifference each : values()) {
            if (each.part.matcher(plain).find()
                    && each.part
                            .matcher(plain)
                            .replaceAll("$1 $2")
                            .equals(each.part.matcher(ours).replaceAll("$1 $2"))) {
                return each;
            }
        }
        return null;
    }
}
