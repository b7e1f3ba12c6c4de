package io.lockstep.tests.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/** What a session of {@code bench sql} does again and again. Constants are safe from any thread. */
enum SqlWorkload {
    /** The debit and credit of TPC-B, in one transaction: everybody wants the one row of the branch. */
    W1("UPDATE account, SELECT, UPDATE teller, UPDATE branch, INSERT, COMMIT; one branch for all"),
    /** As W1, with the property that is there for rows that everybody wants. */
    W1D("as w1, Lockstep's connections with deferUpdates=true", Map.of("deferUpdates", "true")),
    /** As W1, but each session has a branch and tellers of its own. */
    W1N("as w1, a branch for each session"),
    /** One UPDATE by key, which commits by itself. */
    W2("UPDATE by key, autocommit"),
    /** One SELECT by key, which commits by itself. */
    W3("SELECT by key, autocommit");

    static final int ACCOUNTS = 100_000;
    static final int TELLERS = 10;
    private static final int SESSIONS_MAX = 256;

    final String description;
    /** What Lockstep's connections add to their URL for it. */
    final Map<String, String> properties;

    SqlWorkload(String description) {
        this(description, Map.of());
    }

    SqlWorkload(String description, Map<String, String> properties) {
        this.description = description;
        this.properties = properties;
    }

    /** Name on the command line. */
    String shortName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Creates the tables that all of them use. */
    static void create(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String each : tables()) {
                statement.execute(each);
            }
        }
    }

    /** Statements that create the tables that all of them use. */
    static List<String> tables() {
        return List.of(
                "CREATE TABLE branch(id INT PRIMARY KEY, balance BIGINT NOT NULL, filler CHAR(80))",
                "CREATE TABLE teller(id INT PRIMARY KEY, branch INT NOT NULL, balance BIGINT NOT NULL,"
                        + " filler CHAR(80))",
                "CREATE TABLE account(id INT PRIMARY KEY, branch INT NOT NULL, balance BIGINT NOT NULL,"
                        + " filler CHAR(80))",
                "CREATE TABLE history(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, teller INT,"
                        + " branch INT, account INT, delta BIGINT, at TIMESTAMP)",
                "INSERT INTO branch SELECT x, 0, 'filler' FROM SYSTEM_RANGE(1, " + SESSIONS_MAX + ")",
                "INSERT INTO teller SELECT x, (x - 1) / " + TELLERS + " + 1, 0, 'filler' FROM SYSTEM_RANGE(1, "
                        + SESSIONS_MAX * TELLERS + ")",
                "INSERT INTO account SELECT x, 1, 0, 'filler' FROM SYSTEM_RANGE(1, " + ACCOUNTS + ")");
    }

    /** What one session does; {@code number} counts the sessions from 0. */
    Unit open(Connection connection, int number) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET LOCK_TIMEOUT 60000");
        }
        connection.setAutoCommit(this == W2 || this == W3);
        return switch (this) {
            case W1, W1D -> new DebitAndCredit(connection, 1, number);
            case W1N -> new DebitAndCredit(connection, number + 1, number);
            case W2 -> new Update(connection, number);
            case W3 -> new Select(connection, number);
        };
    }

    /** One transaction after the other, on one connection; used by one thread. */
    interface Unit {
        void run() throws SQLException;
    }

    private static final class DebitAndCredit implements Unit {
        private final Connection connection;
        private final int branch;
        private final SplittableRandom random;
        private final PreparedStatement account;
        private final PreparedStatement balance;
        private final PreparedStatement teller;
        private final PreparedStatement toBranch;
        private final PreparedStatement history;

        DebitAndCredit(Connection connection, int branch, int number) throws SQLException {
            this.connection = connection;
            this.branch = branch;
            this.random = new SplittableRandom(number);
            this.account = connection.prepareStatement("UPDATE account SET balance = balance + ? WHERE id = ?");
            this.balance = connection.prepareStatement("SELECT balance FROM account WHERE id = ?");
            this.teller = connection.prepareStatement("UPDATE teller SET balance = balance + ? WHERE id = ?");
            this.toBranch = connection.prepareStatement("UPDATE branch SET balance = balance + ? WHERE id = ?");
            this.history = connection.prepareStatement("INSERT INTO history(teller, branch, account, delta, at)"
                    + " VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP)");
        }

        @Override
        public void run() throws SQLException {
            int to = 1 + random.nextInt(ACCOUNTS);
            int by = (branch - 1) * TELLERS + 1 + random.nextInt(TELLERS);
            long delta = random.nextInt(-99_999, 100_000);
            changeOne(account, delta, to);
            readOne(balance, to);
            changeOne(teller, delta, by);
            changeOne(toBranch, delta, branch);
            history.setInt(1, by);
            history.setInt(2, branch);
            history.setInt(3, to);
            history.setLong(4, delta);
            requireOne(history.executeUpdate());
            connection.commit();
        }
    }

    private static final class Update implements Unit {
        private final SplittableRandom random;
        private final PreparedStatement account;

        Update(Connection connection, int number) throws SQLException {
            this.random = new SplittableRandom(number);
            this.account = connection.prepareStatement("UPDATE account SET balance = balance + ? WHERE id = ?");
        }

        @Override
        public void run() throws SQLException {
            changeOne(account, 1, 1 + random.nextInt(ACCOUNTS));
        }
    }

    private static final class Select implements Unit {
        private final SplittableRandom random;
        private final PreparedStatement balance;

        Select(Connection connection, int number) throws SQLException {
            this.random = new SplittableRandom(number);
            this.balance = connection.prepareStatement("SELECT balance FROM account WHERE id = ?");
        }

        @Override
        public void run() throws SQLException {
            readOne(balance, 1 + random.nextInt(ACCOUNTS));
        }
    }

    private static void changeOne(PreparedStatement update, long delta, int id) throws SQLException {
        update.setLong(1, delta);
        update.setInt(2, id);
        requireOne(update.executeUpdate());
    }

    private static void requireOne(int changed) throws SQLException {
        if (changed != 1) {
            throw new SQLException(changed + " rows were changed instead of one");
        }
    }

    private static void readOne(PreparedStatement select, int id) throws SQLException {
        select.setInt(1, id);
        try (ResultSet rows = select.executeQuery()) {
            if (!rows.next()) {
                throw new SQLException("account " + id + " is gone");
            }
        }
    }
}
