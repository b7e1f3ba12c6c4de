package io.lockstep.tsdstore.sql;

import java.time.Duration;
import java.util.HexFormat;

/**
 * Limits of a node's SQL sessions; equal on all nodes of a database. Immutable.
 *
 * @param settings how the database understands SQL
 * @param owner name of the user who owns the database, as clients write it
 * @param ownerPassword what clients prove
 * @param openTransactionsMax SQL transactions open at a time, 1 to 65,000
 * @param openStatementsMax prepared statements open at a time in a session, 1 or more
 * @param openResultsMax results open at a time in a session, 1 or more
 * @param statementCharactersMax length of a statement's text in characters, 1 or more
 * @param resultBytesMax memory of the open results of a session, in bytes, about; 1 or more
 * @param resultRowsMax rows of one result, 1 or more
 * @param firstAnswerRowsMax rows in one answer, 1 or more
 * @param firstAnswerBytesMax bytes of one answer, about; 1 or more
 * @param statementLimit how long a statement may run; the active's alone, so it may differ between nodes
 * @param heapMaxPercent share of the heap in use beyond which statements that run are ended; the active's alone
 */
public record SqlConfig(
        DatabaseSettings settings,
        String owner,
        String ownerPassword,
        int openTransactionsMax,
        int openStatementsMax,
        int openResultsMax,
        int statementCharactersMax,
        long resultBytesMax,
        int resultRowsMax,
        int firstAnswerRowsMax,
        int firstAnswerBytesMax,
        Duration statementLimit,
        int heapMaxPercent) {
    /** The largest number of transactions that H2 can tell apart, less those of our own. */
    private static final int TRANSACTIONS_MAX = 65_000;

    /** The owner app with the password app, and limits that suit a node with a gigabyte of memory. */
    public static final SqlConfig DEFAULT = new SqlConfig(
            DatabaseSettings.DEFAULT,
            "app",
            "app",
            10_000,
            4_096,
            1_024,
            1_000_000,
            64L << 20,
            1_000_000,
            1_000,
            1 << 20,
            Duration.ofSeconds(30),
            90);

    /** The same database, set differently. */
    public SqlConfig withSettings(DatabaseSettings other) {
        return with(other, owner, ownerPassword);
    }

    /** The same for another owner. */
    public SqlConfig withOwner(String name, String password) {
        return with(settings, name, password);
    }

    private SqlConfig with(DatabaseSettings newSettings, String newOwner, String newPassword) {
        return new SqlConfig(
                newSettings,
                newOwner,
                newPassword,
                openTransactionsMax,
                openStatementsMax,
                openResultsMax,
                statementCharactersMax,
                resultBytesMax,
                resultRowsMax,
                firstAnswerRowsMax,
                firstAnswerBytesMax,
                statementLimit,
                heapMaxPercent);
    }

    /** What is set otherwise than by default, for people and for comparing copies; empty where nothing is. */
    public String text() {
        String ownersName = owner.equals(DEFAULT.owner) ? "" : "owner " + owner;
        return settings.text() + (settings.text().isEmpty() || ownersName.isEmpty() ? "" : ", ") + ownersName;
    }

    /**
     * What the chain of entries begins with; empty where all is as by default. The owner's first password is in it, as
     * what is kept of it: nodes that were told another are no copies of each other from the start.
     */
    public String origin() {
        return text().isEmpty() && ownerPassword.equals(DEFAULT.ownerPassword)
                ? ""
                : text() + ' ' + HexFormat.of().formatHex(Accounts.first(this).storedKey());
    }

    /** Not the password. */
    @Override
    public String toString() {
        return "SqlConfig " + text();
    }

    public SqlConfig {
        if (openTransactionsMax < 1 || openTransactionsMax > TRANSACTIONS_MAX) {
            throw new IllegalArgumentException(
                    "openTransactionsMax must be 1 to " + TRANSACTIONS_MAX + ", not " + openTransactionsMax);
        }
        if (owner.isEmpty()
                || openStatementsMax < 1
                || openResultsMax < 1
                || statementCharactersMax < 1
                || resultBytesMax < 1
                || resultRowsMax < 1
                || firstAnswerRowsMax < 1
                || firstAnswerBytesMax < 1
                || statementLimit.toMillis() < 1
                || heapMaxPercent < 1) {
            throw new IllegalArgumentException("an owner needs a name, and a limit must be 1 or more");
        }
    }
}
