package io.lockstep.tests.differential;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.Types;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What several sessions do, one step after the other, drawn from a seed. Immutable once drawn.
 *
 * <p>Drawn so that the outcome is H2's and not chance's: somebody who may wait for a lock asks for one row by its key, and
 * values that must be unique are a session's own where a wait would cost identity values; statements over many rows and
 * definitions come only while nobody else has changed anything. Times and names that H2 draws are stored and not looked at.
 * Not drawn is what H2 leaves half done and Lockstep does not: a query over FINAL TABLE whose row has no parent.
 */
final class SqlScript {
    private static final int SHARED_ROWS = 12;
    /** Of the shared ones, those that everybody wants. */
    private static final int WANTED_ROWS = 2;

    private static final int OWN_ROWS = 20;

    /** Columns of T4, and what may stand in them. */
    private static final Map<String, String[]> TYPED = typed();

    /**
     * @param session from 0
     * @param isLeft whether the session may be left waiting for its answer; else whom it waits for ends at once
     */
    record Line(int session, SqlStep step, boolean isLeft) {}

    final long seed;
    final int sessions;
    final String schema;
    /** Done by a session of its own before everything else. */
    final List<String> setUp = new ArrayList<>();

    final List<Line> lines = new ArrayList<>();
    private final SplittableRandom random;
    private final boolean[] isAutoCommit;
    private final boolean[] isDirty;
    private final boolean[] hasCursor;
    private final boolean[] isScrollable;
    private final boolean[] isUpdatable;
    private final boolean[] hasSavepoint;
    private boolean hasFixedMoments;
    private int definitions;

    private SqlScript(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.schema = "D" + seed;
        this.sessions = random.nextInt(2, 4);
        this.isAutoCommit = new boolean[sessions];
        this.isDirty = new boolean[sessions];
        this.hasCursor = new boolean[sessions];
        this.isScrollable = new boolean[sessions];
        this.isUpdatable = new boolean[sessions];
        this.hasSavepoint = new boolean[sessions];
    }

    private static Map<String, String[]> typed() {
        Map<String, String[]> typed = new LinkedHashMap<>();
        typed.put("BO", new String[] {"TRUE", "FALSE", "NULL", "UNKNOWN"});
        typed.put("TINY", new String[] {"-128", "127", "CAST(5 AS TINYINT)"});
        typed.put("SMALL", new String[] {"-32768", "32767", "NULL"});
        typed.put("BIG", new String[] {"9223372036854775807", "-9223372036854775808", "0"});
        typed.put("R", new String[] {"CAST(1.5 AS REAL)", "CAST('NaN' AS REAL)", "CAST(3.4E38 AS REAL)"});
        typed.put("DBL", new String[] {"1E300", "CAST('-Infinity' AS DOUBLE PRECISION)", "-0.0"});
        typed.put("DF", new String[] {"1E-40", "CAST('Infinity' AS DECFLOAT)", "12345678901234567890"});
        typed.put("NUM", new String[] {"123456789012345.12345", "-0.00001", "1e3"});
        typed.put("CH", new String[] {"'abc'", "''", "'12345678'"});
        typed.put("VI", new String[] {"'MiXed'", "'mixed'", "U&'\\00e4\\+01f600'"});
        typed.put("VB", new String[] {"X'00ff10'", "X''", "NULL"});
        typed.put("BN", new String[] {"X'01020304'", "X'ff'", "NULL"});
        typed.put("DA", new String[] {"DATE '0001-01-01'", "DATE '9999-12-31'", "DATE '-5000-02-28'"});
        typed.put("TM", new String[] {"TIME '23:59:59.999'", "TIME '00:00:00'", "NULL"});
        typed.put("TMZ", new String[] {"TIME WITH TIME ZONE '10:00:00+05:30'", "TIME WITH TIME ZONE '10:00:00.5-08'"});
        typed.put("TS", new String[] {"TIMESTAMP '2024-03-31 02:30:00.123456'", "TIMESTAMP '1900-01-01 00:00:00'"});
        typed.put("TSZ", new String[] {
            "TIMESTAMP WITH TIME ZONE '2024-10-27 02:30:00+02'", "TIMESTAMP WITH TIME ZONE '1970-01-01 00:00:00Z'"
        });
        typed.put("IV", new String[] {"INTERVAL '1 02:03:04.5' DAY TO SECOND", "INTERVAL '-10' DAY", "NULL"});
        typed.put("IY", new String[] {"INTERVAL '3-11' YEAR TO MONTH", "INTERVAL '-7' MONTH", "NULL"});
        typed.put("UU", new String[] {"UUID '12345678-1234-1234-1234-123456789abc'", "NULL"});
        typed.put("JS", new String[] {"JSON '{\"a\": [1, null, \"x\"]}'", "JSON_OBJECT('k': 1.50)", "JSON 'null'"});
        typed.put("AR", new String[] {"ARRAY['a', NULL, 'c']", "ARRAY[]", "NULL"});
        typed.put("EN", new String[] {"'red'", "'blue'", "NULL"});
        typed.put("GE", new String[] {"GEOMETRY 'POINT (1 2)'", "GEOMETRY 'SRID=4326;LINESTRING (0 0, 1 1)'", "NULL"});
        typed.put("RO", new String[] {"ROW(1, 'x')", "ROW(NULL, NULL)", "NULL"});
        return typed;
    }

    static SqlScript draw(long seed) {
        SqlScript script = new SqlScript(seed);
        script.draw();
        return script;
    }

    /** Whether somebody reads a moment of the past: a node that joins meanwhile waits for the end of that. */
    boolean hasFixedMoments() {
        return hasFixedMoments;
    }

    private void draw() {
        setUp.add("CREATE SCHEMA " + schema);
        setUp.add("SET SCHEMA " + schema);
        setUp.add("CREATE TABLE T1(ID INT PRIMARY KEY, A INT, B VARCHAR(20), C DECIMAL(10, 2), D DATE,"
                + " AT TIMESTAMP(9) WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,"
                + " U UUID DEFAULT RANDOM_UUID(), G INT GENERATED ALWAYS AS (A * 2))");
        setUp.add("CREATE TABLE T2(ID BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, P INT REFERENCES T1,"
                + " N INT NOT NULL CHECK (N < 1000), S VARCHAR(10) UNIQUE)");
        setUp.add("CREATE TABLE T3(K INT, V VARCHAR, L INT ARRAY)");
        setUp.add("CREATE DOMAIN DO AS INT DEFAULT 5 CHECK (VALUE > 0)");
        setUp.add(
                "CREATE TABLE T4(ID INT PRIMARY KEY, BO BOOLEAN, TINY TINYINT, SMALL SMALLINT, BIG BIGINT, R REAL,"
                        + " DBL DOUBLE PRECISION, DF DECFLOAT(20), NUM NUMERIC(20, 5), CH CHAR(8), VI VARCHAR_IGNORECASE(20),"
                        + " VB VARBINARY(64), BN BINARY(4), DA DATE, TM TIME(3), TMZ TIME(3) WITH TIME ZONE, TS TIMESTAMP(6),"
                        + " TSZ TIMESTAMP(6) WITH TIME ZONE, IV INTERVAL DAY TO SECOND, IY INTERVAL YEAR TO MONTH, UU UUID, JS JSON,"
                        + " AR VARCHAR(10) ARRAY[5], EN ENUM('red', 'green', 'blue'), GE GEOMETRY, RO ROW(A INT, B VARCHAR(9)))");
        setUp.add("CREATE TABLE T5(ID INT PRIMARY KEY, B BLOB, C CLOB)");
        setUp.add("CREATE TABLE T6(ID INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, D DO,"
                + " E INT GENERATED ALWAYS AS (D + 1), F VARCHAR(10) DEFAULT 'none' DEFAULT ON NULL)");
        setUp.add("CREATE SEQUENCE Q START WITH 10 CACHE 4");
        setUp.add("CREATE INDEX T1_A ON T1(A)");
        setUp.add("CREATE VIEW W AS SELECT P, SUM(N) AS N, COUNT(*) AS ROWS FROM T2 GROUP BY P");
        setUp.add(
                "INSERT INTO T1(ID, A, B, C, D) SELECT X, X * 10, 'row ' || X, X / 4.0, DATEADD(DAY, X, DATE '2020-01-01')"
                        + " FROM SYSTEM_RANGE(1, " + SHARED_ROWS + ")");
        for (int session = 0; session < sessions; session++) {
            isAutoCommit[session] = true;
            add(session, SqlStep.text("SET SCHEMA " + schema));
            add(session, SqlStep.text("SET LOCK_TIMEOUT 30000"));
            if (random.nextInt(4) > 0) {
                autoCommit(session, false);
            }
        }
        int wanted = random.nextInt(25, 60);
        while (lines.size() < wanted) {
            step(random.nextInt(sessions));
        }
        for (int session = 0; session < sessions; session++) {
            if (random.nextBoolean()) {
                add(session, new SqlStep.Commit());
            }
        }
    }

    private void add(int session, SqlStep step) {
        lines.add(new Line(session, step, false));
    }

    private void step(int session) {
        int kind = random.nextInt(100);
        if (kind < 18) {
            query(session);
        } else if (kind < 44) {
            change(session);
        } else if (kind < 52) {
            typed(session);
        } else if (kind < 58) {
            savepoint(session);
        } else if (kind < 65) {
            cursor(session);
        } else if (kind < 68) {
            largeObject(session);
        } else if (kind < 77) {
            end(session, random.nextInt(4) > 0);
        } else if (kind < 79) {
            autoCommit(session, !isAutoCommit[session]);
        } else if (kind < 81) {
            setting(session);
        } else if (kind < 88) {
            wrong(session);
        } else if (kind < 90) {
            described(session);
        } else if (kind < 91) {
            wait(session);
        } else {
            definition(session);
        }
    }

    // ---- ends -------------------------------------------------------------------------------------------------------

    private void end(int session, boolean isCommit) {
        add(session, isCommit ? new SqlStep.Commit() : new SqlStep.Rollback());
        isDirty[session] = false;
        hasSavepoint[session] = false;
    }

    private void autoCommit(int session, boolean isOn) {
        if (isOn) {
            add(session, new SqlStep.Isolation(Connection.TRANSACTION_READ_COMMITTED));
        }
        add(session, new SqlStep.AutoCommit(isOn));
        isAutoCommit[session] = isOn;
        isDirty[session] = false;
        hasSavepoint[session] = false;
    }

    private void savepoint(int session) {
        if (isAutoCommit[session]) {
            autoCommit(session, false);
        }
        String name = random.nextBoolean() ? "S" : "*" + random.nextInt(2);
        switch (random.nextInt(hasSavepoint[session] ? 7 : 4)) {
            case 0 -> {
                add(session, SqlStep.text("SAVEPOINT X"));
                change(session);
                add(session, SqlStep.text("ROLLBACK TO SAVEPOINT X"));
            }
            case 1, 2, 3 -> {
                add(session, new SqlStep.SetSavepoint(name));
                hasSavepoint[session] = true;
            }
            case 4 -> add(session, new SqlStep.Release(name));
            default -> add(session, new SqlStep.RollbackTo(name));
        }
    }

    /** What a session remembers. A level other than READ COMMITTED is left again when others must not be held up. */
    private void setting(int session) {
        switch (random.nextInt(7)) {
            case 0, 1 -> {
                int level =
                        switch (random.nextInt(5)) {
                            case 0 -> Connection.TRANSACTION_READ_UNCOMMITTED;
                            case 1, 2 -> Connection.TRANSACTION_REPEATABLE_READ;
                            case 3 -> Connection.TRANSACTION_SERIALIZABLE;
                            default -> Connection.TRANSACTION_READ_COMMITTED;
                        };
                hasFixedMoments |= level >= Connection.TRANSACTION_REPEATABLE_READ;
                // A change that waited, and is a transaction of its own, sees what is there now; H2 gives 40001.
                if (level >= Connection.TRANSACTION_REPEATABLE_READ && isAutoCommit[session]) {
                    autoCommit(session, false);
                }
                add(session, new SqlStep.Isolation(level));
                isDirty[session] = false;
                hasSavepoint[session] = false;
            }
            case 2 -> add(session, SqlStep.text("SET TIME ZONE 'Europe/Berlin'"));
            case 3 -> add(session, SqlStep.text("SET TIME ZONE '-03:30'"));
            case 4 -> add(session, SqlStep.text("SET @V = " + random.nextInt(100)));
            case 5 -> add(session, SqlStep.text("SET @W = ARRAY[" + number() + ", @V]"));
            default -> add(session, SqlStep.text("SET NON_KEYWORDS VALUE, KEY"));
        }
    }

    /**
     * Somebody waits for a lock and is left waiting: until the holder asks for something of its own, which is a deadlock, or
     * until its patience ends. Nobody else may hold anything.
     */
    private void wait(int session) {
        int other = (session + 1) % sessions;
        for (int each = 0; each < sessions; each++) {
            end(each, random.nextBoolean());
        }
        for (int each : List.of(session, other)) {
            add(each, new SqlStep.Isolation(Connection.TRANSACTION_READ_COMMITTED));
            if (isAutoCommit[each]) {
                autoCommit(each, false);
            }
        }
        boolean isDeadlock = random.nextBoolean();
        if (!isDeadlock) {
            add(session, SqlStep.text("SET LOCK_TIMEOUT " + random.nextInt(30, 120)));
        }
        // H2 undoes the youngest of a circle, Lockstep whoever closes it: here they are the same.
        add(session, SqlStep.text("UPDATE T1 SET A = A + 2 WHERE ID = 2"));
        add(other, SqlStep.text("UPDATE T1 SET A = A + 1 WHERE ID = 1"));
        lines.add(new Line(session, SqlStep.text("UPDATE T1 SET A = A + 3, B = 'waited' WHERE ID = 1"), true));
        if (isDeadlock) {
            add(other, SqlStep.text("UPDATE T1 SET A = A + 4 WHERE ID = 2"));
        }
        add(session, new SqlStep.Settled());
        if (!isDeadlock) {
            add(session, SqlStep.text("SET LOCK_TIMEOUT 30000"));
        }
        add(session, SqlStep.text("SELECT ID, A, B FROM T1 WHERE ID < 3 ORDER BY ID"));
        add(other, SqlStep.text("SELECT ID, A, B FROM T1 WHERE ID < 3 ORDER BY ID"));
        isDirty[session] = true;
        isDirty[other] = true;
    }

    // ---- queries ----------------------------------------------------------------------------------------------------

    private void query(int session) {
        SqlStep step =
                switch (random.nextInt(22)) {
                    case 0 -> SqlStep.text("SELECT ID, A, B, C, D, G FROM T1 ORDER BY ID");
                    case 1 -> SqlStep.prepared("SELECT B, C FROM T1 WHERE ID = ?", row(session));
                    case 2 -> SqlStep.text("SELECT COUNT(*), SUM(A), AVG(C), MAX(D), COUNT(AT), COUNT(U) FROM T1");
                    case 3 -> SqlStep.text("SELECT S, N, B FROM T2 JOIN T1 ON P = T1.ID ORDER BY S");
                    case 4 -> SqlStep.text("SELECT P, N, ROWS FROM W ORDER BY P");
                    case 5 ->
                        SqlStep.text("SELECT ID, SUM(A) OVER (ORDER BY ID), RANK() OVER (ORDER BY C DESC) FROM T1"
                                + " ORDER BY ID");
                    case 6 -> SqlStep.text("SELECT NEXT VALUE FOR Q");
                    case 7 -> SqlStep.prepared("SELECT ID FROM T1 WHERE A BETWEEN ? AND ? ORDER BY A DESC, ID", 10, 80);
                    case 8 -> SqlStep.text("SELECT K, V, L FROM T3 ORDER BY K, V");
                    case 9 -> {
                        isDirty[session] |= !isAutoCommit[session];
                        yield SqlStep.prepared("SELECT ID, A FROM T1 WHERE ID = ? FOR UPDATE", row(session));
                    }
                    case 10 ->
                        SqlStep.text("SELECT TABLE_NAME, ROW_COUNT_ESTIMATE IS NOT NULL FROM"
                                + " INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = CURRENT_SCHEMA ORDER BY TABLE_NAME");
                    case 11 ->
                        new SqlStep.Execute(
                                "SELECT ID, B FROM T1 ORDER BY ID", null, SqlStep.Keys.NONE, random.nextInt(1, 9));
                    case 12 -> SqlStep.text("SELECT @V, @W, CURRENT_USER, CURRENT_SCHEMA, LOCK_TIMEOUT()");
                    case 13 -> new SqlStep.Kept("SELECT A, B, G FROM T1 WHERE ID = ?", List.of(row(session)));
                    case 14 ->
                        new SqlStep.Kept("SELECT ID, D, E, F FROM T6 WHERE E > ? ORDER BY ID", List.of(number()));
                    case 15 ->
                        new SqlStep.Call("{? = CALL MOD(?, ?)}", Types.INTEGER, List.of(number(), random.nextInt(3)));
                    case 16 -> new SqlStep.Call("{? = CALL CONCAT(?, ?)}", Types.VARCHAR, List.of("a", own(session)));
                    case 17 -> SqlStep.prepared("CALL ? * 2", number());
                    case 18 -> SqlStep.text("SELECT * FROM TEMP ORDER BY ID");
                    case 19 -> SqlStep.text("SELECT CURRENT VALUE FOR Q");
                    case 20 ->
                        SqlStep.prepared(
                                "SELECT ID, A FROM T1 WHERE ID = ANY(?) AND B LIKE ? ORDER BY ID",
                                new Integer[] {1, 2, 3, 4, ownRow(session)},
                                "%o%");
                    case 21 ->
                        SqlStep.text("WITH RECURSIVE R(N) AS (SELECT 1 UNION ALL SELECT N + 1 FROM R WHERE N < 5)"
                                + " SELECT N, (SELECT COUNT(*) FROM T1 WHERE ID <= N) FROM R");
                    default ->
                        SqlStep.text("SELECT LISTAGG(B, ';') WITHIN GROUP (ORDER BY ID) FROM T1 GROUP BY MOD(A, 3)"
                                + " ORDER BY 1");
                };
        add(session, step);
    }

    private void cursor(int session) {
        if (hasCursor[session] && random.nextInt(4) > 0) {
            if (isScrollable[session] && random.nextBoolean()) {
                add(session, new SqlStep.Move(any(SqlStep.Way.values()), random.nextInt(-3, 12)));
            } else if (isUpdatable[session] && random.nextInt(3) > 0) {
                add(session, new SqlStep.Edited(any(SqlStep.Edit.values()), ownRow(session), number()));
                isDirty[session] |= !isAutoCommit[session];
            } else {
                add(session, new SqlStep.Next(random.nextInt(1, 6)));
            }
            return;
        }
        boolean canScroll = random.nextBoolean();
        boolean canUpdate = random.nextInt(3) == 0;
        String sql = canUpdate
                ? "SELECT ID, A, B FROM T1 WHERE ID BETWEEN " + (session + 1) * 100 + " AND "
                        + ((session + 1) * 100 + 99) + " ORDER BY ID"
                : random.nextBoolean()
                        ? "SELECT ID, A, B FROM T1 ORDER BY ID"
                        : "SELECT X, X * X FROM SYSTEM_RANGE(1, 1500)";
        add(session, new SqlStep.Open(sql, random.nextInt(0, 20), random.nextInt(1, 50), canScroll, canUpdate));
        hasCursor[session] = true;
        isScrollable[session] = canScroll;
        isUpdatable[session] = canUpdate;
    }

    private void described(int session) {
        add(
                session,
                random.nextBoolean()
                        ? new SqlStep.Catalog(
                                any(SqlStep.About.values()), any("T1", "T2", "T3", "T4", "T6", "T%", "W", "NOWHERE"))
                        : new SqlStep.Describe(any(
                                "SELECT ID, A + ?, B || ?, C FROM T1 WHERE D > ? AND U = ?",
                                "INSERT INTO T4(ID, NUM, TS, JS, AR) VALUES (?, ?, ?, ? FORMAT JSON, ?)",
                                "UPDATE T6 SET D = ?, F = ? WHERE ID IN (?, ?)",
                                "CALL POWER(?, 2)",
                                "MERGE INTO T1(ID, A) KEY(ID) VALUES (?, ?)",
                                "SELECT * FROM NOWHERE WHERE X = ?",
                                "SELECT COUNT(*), ARRAY_AGG(B ORDER BY ID), CAST(? AS INTERVAL DAY) FROM T1")));
    }

    @SafeVarargs
    private <T> T any(T... these) {
        return these[random.nextInt(these.length)];
    }

    private void largeObject(int session) {
        if (random.nextBoolean()) {
            int length = random.nextInt(4) == 0 ? random.nextInt(400_000) : random.nextInt(600);
            add(
                    session,
                    new SqlStep.Send(
                            random.nextInt(3) > 0
                                    ? "INSERT INTO T5(ID, B, C) VALUES (?, ?, ?)"
                                    : "MERGE INTO T5(ID, B, C) KEY(ID) VALUES (?, ?, ?)",
                            ownRow(session),
                            length,
                            random.nextBoolean()));
            isDirty[session] |= !isAutoCommit[session];
        } else if (random.nextInt(4) == 0) {
            add(session, SqlStep.prepared("DELETE FROM T5 WHERE ID = ?", ownRow(session)));
            isDirty[session] |= !isAutoCommit[session];
        } else if (random.nextInt(4) == 0) {
            add(
                    session,
                    SqlStep.text("UPDATE T5 SET C = C || 'more', B = NULL WHERE ID BETWEEN " + (session + 1) * 100
                            + " AND " + ((session + 1) * 100 + 99)));
            isDirty[session] |= !isAutoCommit[session];
        } else {
            add(session, new SqlStep.Receive("SELECT ID, B, C FROM T5 ORDER BY ID", random.nextInt(1_000, 60_000)));
        }
    }

    // ---- changes ----------------------------------------------------------------------------------------------------

    private void change(int session) {
        boolean isAlone = isAlone(session);
        SqlStep step =
                switch (random.nextInt(isAlone ? 26 : 18)) {
                    case 0, 1 ->
                        SqlStep.prepared(
                                "INSERT INTO T1(ID, A, B, C, D) VALUES (?, ?, ?, ?, ?)",
                                ownRow(session),
                                number(),
                                "new " + number(),
                                BigDecimal.valueOf(number(), 2),
                                Date.valueOf("2021-02-0" + random.nextInt(1, 9)));
                    case 2, 3, 4 ->
                        SqlStep.prepared(
                                "UPDATE T1 SET A = A + ?, B = ? WHERE ID = ?", number(), "b" + number(), row(session));
                    case 5 -> SqlStep.prepared("DELETE FROM T1 WHERE ID = ?", row(session));
                    case 6 ->
                        SqlStep.withKeys(
                                "INSERT INTO T2(P, N, S) VALUES (?, ?, ?)",
                                any(SqlStep.Keys.values()),
                                random.nextInt(1, SHARED_ROWS + 2),
                                number(),
                                own(session));
                    case 7 -> SqlStep.prepared("UPDATE T2 SET N = N + 1 WHERE S = ?", own(random.nextInt(sessions)));
                    case 8 -> SqlStep.prepared("DELETE FROM T2 WHERE S = ?", own(session));
                    case 9 ->
                        SqlStep.text("MERGE INTO T1(ID, A, B) KEY(ID) VALUES (" + ownRow(session) + ", " + number()
                                + ", 'merged')");
                    case 10 -> batch(session);
                    case 11 ->
                        SqlStep.text("INSERT INTO T3 VALUES (" + number() + ", 'v" + number() + "', ARRAY[1, "
                                + number() + "]), (NEXT VALUE FOR Q, NULL, NULL)");
                    case 12 ->
                        SqlStep.withKeys(
                                "INSERT INTO T6(D, F) VALUES (?, ?)",
                                any(SqlStep.Keys.values()),
                                random.nextInt(-1, 20),
                                random.nextBoolean() ? null : own(session));
                    case 13 ->
                        new SqlStep.Kept("UPDATE T1 SET C = C + ? WHERE ID = ?", List.of(number(), row(session)));
                    case 14 ->
                        new SqlStep.TextBatch(List.of(
                                "INSERT INTO T3 VALUES (" + number() + ", 'text', NULL)",
                                "UPDATE T1 SET A = 0 WHERE ID = " + ownRow(session),
                                random.nextInt(3) == 0 ? "INSERT INTO T3 VALUES ('x', NULL, NULL)" : "SET @V = 5",
                                "INSERT INTO T3 VALUES (" + number() + ", NULL, ARRAY[7])"));
                    case 15 ->
                        SqlStep.text("INSERT INTO T3(K) VALUES (" + number() + "); INSERT INTO T3(K) VALUES ("
                                + number() + ")");
                    case 16 -> SqlStep.text("INSERT INTO TEMP VALUES (" + number() + ", NEXT VALUE FOR Q)");
                    case 17 ->
                        SqlStep.text("INSERT INTO T6(F) SELECT '" + own(session) + "' FROM SYSTEM_RANGE(1, "
                                + random.nextInt(1, 4) + ")");
                    case 18 -> SqlStep.text("UPDATE T1 SET A = A + 1 WHERE MOD(ID, 3) = " + random.nextInt(3));
                    case 19 -> SqlStep.text("DELETE FROM T3 WHERE K > " + number());
                    case 20 ->
                        SqlStep.text("INSERT INTO T3(K, V, L) SELECT A, B, ARRAY[ID] FROM T1 WHERE ID < " + number());
                    case 21 ->
                        SqlStep.text("SELECT ID, S FROM FINAL TABLE (INSERT INTO T2(P, N, S) VALUES (NULL, " + number()
                                + ", '" + own(session) + "'))");
                    case 22 ->
                        SqlStep.text("MERGE INTO T1 USING (SELECT X FROM SYSTEM_RANGE(1, 4)) ON ID = X"
                                + " WHEN MATCHED THEN UPDATE SET C = C + 1");
                    case 23 ->
                        SqlStep.text(
                                "MERGE INTO T1 USING (SELECT X, X * 7 AS Y FROM SYSTEM_RANGE(8, 16)) AS R ON ID = X"
                                        + " WHEN MATCHED AND A > 90 THEN DELETE WHEN MATCHED THEN UPDATE SET B = 'merged' || Y"
                                        + " WHEN NOT MATCHED THEN INSERT(ID, A) VALUES (X, Y)");
                    case 24 -> SqlStep.text("DELETE FROM T1 WHERE A > " + number() + " FETCH FIRST 2 ROWS ONLY");
                    default ->
                        SqlStep.text(
                                "SELECT ID, A, OLD_A FROM (SELECT ID, A, A AS OLD_A FROM OLD TABLE (UPDATE T1 SET A ="
                                        + " A - 1 WHERE ID < 5)) ORDER BY ID");
                };
        add(session, step);
        isDirty[session] |= !isAutoCommit[session];
    }

    private SqlStep batch(int session) {
        List<List<@Nullable Object>> rows = new ArrayList<>();
        for (int i = random.nextInt(2, 6); i > 0; i--) {
            rows.add(Arrays.asList(ownRow(session), random.nextInt(12) == 0 ? "wrong" : number(), "batch " + i));
        }
        if (random.nextInt(3) == 0) {
            return new SqlStep.Batch("INSERT INTO T1(A, ID, B) VALUES (? * 2, ?, ?)", turned(rows), SqlStep.Keys.NONE);
        }
        if (random.nextInt(3) == 0) {
            List<List<@Nullable Object>> named = new ArrayList<>();
            rows.forEach(row -> named.add(Arrays.asList(random.nextInt(20), own(session))));
            return new SqlStep.Batch("INSERT INTO T6(D, F) VALUES (?, ?)", named, any(SqlStep.Keys.values()));
        }
        return new SqlStep.Batch("INSERT INTO T1(ID, A, B) VALUES (?, ?, ?)", rows, SqlStep.Keys.NONE);
    }

    private static List<List<@Nullable Object>> turned(List<List<@Nullable Object>> rows) {
        List<List<@Nullable Object>> turned = new ArrayList<>();
        rows.forEach(row -> turned.add(Arrays.asList(row.get(1), row.get(0), row.get(2))));
        return turned;
    }

    /** Values of every type, up and down. */
    private void typed(int session) {
        int key = ownRow(session);
        String[] columns = TYPED.keySet().toArray(new String[0]);
        String column = any(columns);
        String[] literals = Objects.requireNonNull(TYPED.get(column));
        String literal = any(literals);
        SqlStep step =
                switch (random.nextInt(8)) {
                    case 0, 1 ->
                        SqlStep.text("INSERT INTO T4(ID, " + column + ") VALUES (" + key + ", " + literal + ")");
                    case 2 ->
                        SqlStep.text("UPDATE T4 SET " + column + " = " + literal + " WHERE ID BETWEEN "
                                + (session + 1) * 100 + " AND " + ((session + 1) * 100 + 99));
                    case 3 -> SqlStep.text("SELECT ID, " + column + " FROM T4 ORDER BY ID");
                    case 4 -> SqlStep.text("SELECT CAST(" + column + " AS VARCHAR) FROM T4 ORDER BY ID");
                    case 5 -> SqlStep.text("SELECT * FROM T4 ORDER BY ID");
                    case 6 ->
                        SqlStep.prepared(
                                "MERGE INTO T4(ID, UU, TS, TSZ, TM, VB, NUM, DBL, AR, BO) KEY(ID) VALUES"
                                        + " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                key,
                                new UUID(random.nextLong(), random.nextLong()),
                                LocalDateTime.of(
                                        2024, 2, 29, random.nextInt(24), 30, 15, random.nextInt(1_000_000_000)),
                                OffsetDateTime.of(
                                        1999, 12, 31, 23, 59, 59, 5_000, ZoneOffset.ofHours(random.nextInt(9))),
                                LocalTime.of(random.nextInt(24), 1, 2),
                                new byte[] {1, 2, (byte) number()},
                                BigDecimal.valueOf(random.nextLong(1L << 40), 3),
                                random.nextDouble(),
                                new String[] {"a", null, "c" + number()},
                                random.nextBoolean());
                    default ->
                        SqlStep.text("SELECT " + literal + ", CAST(" + literal + " AS VARCHAR), " + literal + " = "
                                + any(literals));
                };
        add(session, step);
        isDirty[session] |= !isAutoCommit[session];
    }

    private boolean isAlone(int session) {
        for (int other = 0; other < sessions; other++) {
            if (other != session && isDirty[other]) {
                return false;
            }
        }
        return true;
    }

    /** One that anybody may change. */
    private int row(int session) {
        return random.nextInt(6) == 0
                ? ownRow(session)
                : random.nextInt(1, random.nextBoolean() ? WANTED_ROWS + 1 : SHARED_ROWS + 1);
    }

    private int ownRow(int session) {
        return (session + 1) * 100 + random.nextInt(OWN_ROWS);
    }

    private String own(int session) {
        return "s" + session + "-" + random.nextInt(8);
    }

    private int number() {
        return random.nextInt(1, 90);
    }

    // ---- errors and definitions -------------------------------------------------------------------------------------

    private void wrong(int session) {
        String sql =
                switch (random.nextInt(22)) {
                    case 0 -> "SELECT 1 / (A - A) FROM T1";
                    case 1 -> "SELECT * FROM NOWHERE";
                    case 2 -> "SELEKT 1";
                    case 3 -> "SELECT CAST('x' AS INT)";
                    case 4 -> "INSERT INTO T1(ID, B) VALUES (" + ownRow(session) + ", '" + "long".repeat(6) + "')";
                    case 5 -> "INSERT INTO T2(P, N, S) VALUES (1, NULL, '" + own(session) + "')";
                    case 6 -> "INSERT INTO T2(P, N, S) VALUES (1, 5000, '" + own(session) + "')";
                    case 7 -> "INSERT INTO T2(P, N, S) VALUES (7777, 1, '" + own(session) + "')";
                    case 8 -> "UPDATE T1 SET NOTHING = 1";
                    case 9 -> "ROLLBACK TO SAVEPOINT NEVER_SET";
                    case 10 ->
                        "INSERT INTO T1(ID, A) VALUES (" + ownRow(session) + ", 1), (" + ownRow(session)
                                + ", 'eleven')";
                    case 11 -> "INSERT INTO T6(D) VALUES (-" + number() + ")";
                    case 12 -> "INSERT INTO T6(ID, D) VALUES (5, 5)";
                    case 13 -> "UPDATE T6 SET E = 5";
                    case 14 -> "SELECT A, COUNT(*) FROM T1";
                    case 15 -> "INSERT INTO T4(ID, EN) VALUES (" + ownRow(session) + ", 'purple')";
                    case 16 -> "SELECT CAST('2024-13-01' AS DATE), INTERVAL '5' FORTNIGHT";
                    case 17 -> "SELECT JSON '{\"a\": ' FROM T1";
                    case 18 -> "INSERT INTO T4(ID, TINY) VALUES (" + ownRow(session) + ", 1000)";
                    case 19 -> "SELECT ARRAY[1, 2][5], T9.X FROM T1";
                    case 20 -> "CALL NOTHING(1)";
                    default -> "SELECT (SELECT ID FROM T1 WHERE ID < 3)";
                };
        add(session, SqlStep.text(sql));
        isDirty[session] |= !isAutoCommit[session];
    }

    /** It commits first, and needs what it defines for itself. */
    private void definition(int session) {
        for (int other = 0; other < sessions; other++) {
            if (other != session && isDirty[other]) {
                end(other, random.nextBoolean());
            }
        }
        int number = ++definitions;
        String sql =
                switch (random.nextInt(32)) {
                    case 0 ->
                        "CREATE TABLE X" + number + "(ID INT PRIMARY KEY, V VARCHAR DEFAULT 'x') AS SELECT X, 'y' FROM"
                                + " SYSTEM_RANGE(1, 5)";
                    case 1 -> "DROP TABLE IF EXISTS X" + random.nextInt(1, number + 1);
                    case 2 -> "CREATE INDEX IF NOT EXISTS I" + number + " ON T3(K)";
                    case 3 -> "ALTER TABLE T3 ADD COLUMN IF NOT EXISTS C" + number + " INT DEFAULT " + number;
                    case 4 -> "TRUNCATE TABLE T3";
                    case 5 ->
                        "CREATE OR REPLACE VIEW W AS SELECT P, SUM(N) AS N, MIN(ID) - MIN(ID) AS ROWS FROM T2 GROUP BY"
                                + " P";
                    case 6 -> "CREATE TABLE T1(ID INT)";
                    case 7 -> "ALTER SEQUENCE Q RESTART WITH " + (100 * number);
                    case 8, 9 ->
                        "CREATE LOCAL TEMPORARY TABLE IF NOT EXISTS TEMP(ID INT PRIMARY KEY, V INT)"
                                + any(
                                        "",
                                        " ON COMMIT DELETE ROWS",
                                        // Not ON COMMIT DROP: H2 leaves its schema locked then, and meets that lock.
                                        "",
                                        " TRANSACTIONAL",
                                        " NOT PERSISTENT");
                    case 10 -> "DROP TABLE IF EXISTS TEMP";
                    case 11 -> "ALTER TABLE T6 ALTER COLUMN D SET DEFAULT " + number;
                    case 12 -> "ALTER TABLE T6 ALTER COLUMN F SET DATA TYPE VARCHAR(" + (15 + number) + ")";
                    case 13 ->
                        "ALTER TABLE T6 ADD COLUMN Z" + number + " INT GENERATED ALWAYS AS (" + any("D", "D", "E")
                                + " * " + number + ")";
                    case 14 -> "ALTER TABLE T6 DROP COLUMN IF EXISTS Z" + random.nextInt(1, number + 1);
                    case 15 -> "ALTER TABLE T6 ALTER COLUMN F RENAME TO F";
                    case 16 -> "ALTER TABLE T3 ALTER COLUMN V RENAME TO V" + number;
                    case 17 -> "ALTER TABLE T6 ALTER COLUMN ID RESTART WITH " + 50 * number;
                    case 18 ->
                        "CREATE DOMAIN IF NOT EXISTS DO" + number + " AS VARCHAR(5) DEFAULT 'd' CHECK (VALUE <> 'x')";
                    case 19 -> "DROP DOMAIN IF EXISTS DO" + random.nextInt(1, number + 1) + " RESTRICT";
                    case 20 -> "ALTER TABLE T3 ADD COLUMN IF NOT EXISTS M" + number + " DO";
                    case 21 -> "CREATE UNIQUE INDEX U" + number + " ON T3(K)";
                    case 22 -> "DROP INDEX IF EXISTS I" + random.nextInt(1, number + 1);
                    case 23 -> "COMMENT ON TABLE T" + random.nextInt(1, 7) + " IS 'comment " + number + "'";
                    case 24 ->
                        "CREATE SEQUENCE IF NOT EXISTS Q" + number
                                + " START WITH 5 INCREMENT BY -2 MINVALUE -9 MAXVALUE 9" + " CYCLE";
                    case 25 -> "ALTER TABLE T2 ALTER COLUMN N SET NULL";
                    case 26 -> "ALTER TABLE T2 ALTER COLUMN N SET NOT NULL";
                    case 27 -> "TRUNCATE TABLE T6 RESTART IDENTITY";
                    case 28 -> "CREATE TABLE X" + number + " AS SELECT * FROM T1 WHERE ID < 4 WITH NO DATA";
                    case 29 -> "ALTER TABLE X" + random.nextInt(1, number + 1) + " RENAME TO X" + (number + 100);
                    case 30 -> "ALTER TABLE T1 DROP CONSTRAINT IF EXISTS K" + random.nextInt(1, number + 1);
                    default -> "ALTER TABLE T1 ADD CONSTRAINT K" + number + " CHECK (A < 100000)";
                };
        // A sequence is made and changed with a commit here, and without one by H2.
        boolean isOfSequence = sql.contains(" SEQUENCE ") || sql.contains(" TRANSACTIONAL");
        if (isOfSequence) {
            end(session, random.nextBoolean());
        }
        add(session, SqlStep.text(sql));
        if (isOfSequence) {
            end(session, true);
        }
        isDirty[session] = false;
        hasSavepoint[session] = false;
    }
}
