package io.lockstep.tsdstore.sql;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Keeps passwords out of what is told of a statement. Safe from any thread, because nothing is kept. */
final class Secrets {
    /** What H2 itself says in the place of a statement that is to be hidden. */
    static final String HIDDEN = "-";

    private static final String GAP = "(?:\\s|/\\*.*?\\*/|--[^\\n]*\\n|//[^\\n]*\\n)+";

    /** Statements about users, well-formed or not; and whatever has a text in quotes behind the word. */
    private static final Pattern SECRET = Pattern.compile(
            "\\b(?:create|alter)" + GAP + "user\\b|\\bset" + GAP + "(?:password|salt)\\b|\\bpassword" + GAP
                    + "['$]|\\bidentified" + GAP + "by\\b",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private Secrets() {}

    /** Whether a text may have a password in it. */
    static boolean isIn(@Nullable String text) {
        return text != null && SECRET.matcher(text).find();
    }

    /** The text, or what may be told of it. */
    static String hidden(String text) {
        return isIn(text) ? HIDDEN : text;
    }
}
