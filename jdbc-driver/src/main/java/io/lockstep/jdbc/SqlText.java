package io.lockstep.jdbc;

import java.util.Locale;
import org.h2.command.CommandInterface;

/**
 * What a statement's first word tells about it, so that it need not be prepared to be executed. A guess only where the
 * nodes look again. Safe from any thread, because nothing is kept.
 */
final class SqlText {
    /** Whether a statement gives rows. */
    enum Kind {
        QUERY,
        UPDATE,
        /** To be asked. */
        UNKNOWN
    }

    private SqlText() {}

    static Kind kind(String sql) {
        return switch (firstWord(sql)) {
            case "SELECT", "VALUES", "TABLE", "SHOW" -> Kind.QUERY;
            case "INSERT",
                    "UPDATE",
                    "DELETE",
                    "MERGE",
                    "REPLACE",
                    "CREATE",
                    "DROP",
                    "ALTER",
                    "TRUNCATE",
                    "SET",
                    "COMMIT",
                    "ROLLBACK",
                    "SAVEPOINT",
                    "RELEASE",
                    "GRANT",
                    "REVOKE",
                    "COMMENT",
                    "ANALYZE" -> Kind.UPDATE;
            default -> Kind.UNKNOWN;
        };
    }

    /** Whether a query is worth being asked as a read. */
    static boolean mayBeRead(String sql) {
        String upper = sql.toUpperCase(Locale.ROOT);
        return !upper.contains("FOR UPDATE")
                && !upper.contains("FINAL TABLE")
                && !upper.contains("NEW TABLE")
                && !upper.contains("OLD TABLE")
                && !upper.contains("NEXT VALUE")
                && !upper.contains("NEXTVAL")
                && !upper.contains(":=");
    }

    /** H2's code of a statement that was not prepared: one that changes definitions, unless its first word says no. */
    static int commandType(String sql) {
        return switch (firstWord(sql)) {
            case "SELECT", "VALUES", "TABLE", "SHOW", "WITH", "EXPLAIN" -> CommandInterface.SELECT;
            case "INSERT" -> CommandInterface.INSERT;
            case "UPDATE" -> CommandInterface.UPDATE;
            case "DELETE" -> CommandInterface.DELETE;
            case "MERGE", "REPLACE" -> CommandInterface.MERGE;
            case "CALL" -> CommandInterface.CALL;
            case "COMMIT" -> CommandInterface.COMMIT;
            case "ROLLBACK" -> CommandInterface.ROLLBACK;
            case "SAVEPOINT", "RELEASE" -> CommandInterface.SAVEPOINT;
            case "SET" -> CommandInterface.SET;
            default -> CommandInterface.UNKNOWN;
        };
    }

    /** In capitals, without comments, blanks and brackets before it; empty when there is none. */
    private static String firstWord(String sql) {
        int at = 0;
        while (at < sql.length()) {
            char c = sql.charAt(at);
            if (Character.isWhitespace(c) || c == '(' || c == ';') {
                at++;
            } else if (sql.startsWith("--", at) || sql.startsWith("//", at)) {
                int end = sql.indexOf('\n', at);
                at = end < 0 ? sql.length() : end + 1;
            } else if (sql.startsWith("/*", at)) {
                return ""; // may be nested
            } else {
                break;
            }
        }
        int end = at;
        while (end < sql.length() && Character.isLetter(sql.charAt(end))) {
            end++;
        }
        return sql.substring(at, end).toUpperCase(Locale.ROOT);
    }
}
