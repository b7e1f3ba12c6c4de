package io.lockstep.tests.workload;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A bank: each transfer takes from one account, gives to another and leaves a row that names it, in statements of their
 * own; some think better of it, wholly or back to a savepoint. A few accounts are wanted by everybody.
 */
final class BankLoad implements SqlLoad {
    private static final int ACCOUNTS = 1_000;
    private static final int HOT_ACCOUNTS = 4;
    private static final long BALANCE = 1_000_000;

    private record Transfer(SqlTransaction transaction, int from, int to, long amount) {}

    private final Queue<Transfer> transfers = new ConcurrentLinkedQueue<>();
    private final Queue<String> wrongSums = new ConcurrentLinkedQueue<>();
    private final AtomicLong sums = new AtomicLong();

    @Override
    public List<String> setUp() {
        return List.of(
                "CREATE TABLE ACCOUNT(ID INT PRIMARY KEY, BALANCE BIGINT NOT NULL)",
                "INSERT INTO ACCOUNT SELECT X, " + BALANCE + " FROM SYSTEM_RANGE(1, " + ACCOUNTS + ")",
                // Its key is not the transfer's id, so that one that takes place twice leaves two rows.
                "CREATE TABLE TRANSFER(NUMBER BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ID BIGINT NOT NULL,"
                        + " SOURCE INT NOT NULL, TARGET INT NOT NULL, AMOUNT BIGINT NOT NULL,"
                        + " AT TIMESTAMP(9) WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP, NAME UUID DEFAULT RANDOM_UUID())");
    }

    @Override
    public void transact(SqlTeller teller) throws SQLException {
        if (teller.random.nextInt(20) == 0) {
            look(teller);
            return;
        }
        SplittableRandom random = teller.random;
        int one = account(random);
        int other = account(random);
        while (other == one) {
            other = account(random);
        }
        long amount = random.nextLong(1, 100);
        Transfer transfer = new Transfer(teller.begin(), one, other, amount);
        transfers.add(transfer);
        // In the order of their numbers, so that nobody waits in a circle.
        move(teller, Math.min(one, other), one < other ? -amount : amount);
        move(teller, Math.max(one, other), one < other ? amount : -amount);
        if (random.nextInt(10) == 0) {
            teller.update("SAVEPOINT S");
            move(teller, ACCOUNTS, -amount);
            teller.update("ROLLBACK TO SAVEPOINT S");
        }
        if (random.nextInt(10) == 0) {
            teller.rollback();
            return;
        }
        teller.insert(
                "INSERT INTO TRANSFER(ID, SOURCE, TARGET, AMOUNT) VALUES (?, ?, ?, ?)",
                transfer.transaction.id,
                one,
                other,
                amount);
        teller.commit();
    }

    private static int account(SplittableRandom random) {
        return random.nextInt(5) == 0 ? random.nextInt(HOT_ACCOUNTS) + 1 : random.nextInt(ACCOUNTS - 1) + 1;
    }

    private static void move(SqlTeller teller, int account, long amount) throws SQLException {
        int changed = teller.update("UPDATE ACCOUNT SET BALANCE = BALANCE + ? WHERE ID = ?", amount, account);
        if (changed != 1) {
            throw new SQLException(changed + " accounts have the number " + account);
        }
    }

    /** What everybody has is the same at any time. */
    private void look(SqlTeller teller) throws SQLException {
        SqlTransaction transaction = teller.begin();
        Object[] found =
                teller.query("SELECT SUM(BALANCE), COUNT(*) FROM ACCOUNT").get(0);
        sums.incrementAndGet();
        long sum = ((Number) found[0]).longValue();
        if (sum != ACCOUNTS * BALANCE) {
            wrongSums.add(transaction + " saw a sum of " + sum + " over " + found[1] + " accounts");
        }
        teller.commit();
    }

    @Override
    public void audit(Connection database, SqlAudit audit) throws SQLException {
        Map<Long, Integer> rows = new HashMap<>();
        Map<Integer, Long> balances = new HashMap<>();
        for (int account = 1; account <= ACCOUNTS; account++) {
            balances.put(account, BALANCE);
        }
        try (Statement statement = database.createStatement()) {
            Map<Long, Transfer> known = new HashMap<>();
            transfers.forEach(transfer -> known.put(transfer.transaction.id, transfer));
            try (ResultSet found = statement.executeQuery("SELECT ID, SOURCE, TARGET, AMOUNT FROM TRANSFER")) {
                while (found.next()) {
                    long id = found.getLong(1);
                    rows.merge(id, 1, Integer::sum);
                    balances.merge(found.getInt(2), -found.getLong(4), Long::sum);
                    balances.merge(found.getInt(3), found.getLong(4), Long::sum);
                    Transfer asked = known.get(id);
                    if (asked == null
                            || asked.from != found.getInt(2)
                            || asked.to != found.getInt(3)
                            || asked.amount != found.getLong(4)) {
                        audit.doubled("a transfer " + id + " that nobody asked for; asked was " + asked);
                    }
                }
            }
            long committed = 0;
            for (Transfer transfer : transfers) {
                int found = rows.getOrDefault(transfer.transaction.id, 0);
                committed += transfer.transaction.isCommitted() ? 1 : 0;
                judge(transfer, found, audit);
            }
            audit.check("transfers", committed, rows.size());
            long sum = 0;
            try (ResultSet found = statement.executeQuery("SELECT ID, BALANCE FROM ACCOUNT")) {
                while (found.next()) {
                    sum += found.getLong(2);
                    long expected = balances.getOrDefault(found.getInt(1), 0L);
                    if (found.getLong(2) != expected) {
                        audit.wrong("account " + found.getInt(1) + " has " + found.getLong(2) + ", its transfers say "
                                + expected);
                    }
                }
            }
            audit.check("sum of all balances", ACCOUNTS * BALANCE, sum);
        }
        wrongSums.forEach(audit::wrong);
        audit.note(sums + " sums read beside the transfers, " + wrongSums.size() + " of them wrong");
    }

    private static void judge(Transfer transfer, int rows, SqlAudit audit) {
        if (rows > 1) {
            audit.doubled(transfer + " has " + rows + " rows");
        }
        switch (transfer.transaction.fate) {
            case COMMITTED -> {
                if (rows == 0) {
                    audit.lost(transfer + " was answered and has no row");
                }
            }
            case ROLLED_BACK -> {
                if (rows > 0) {
                    audit.doubled(transfer + " was rolled back and has a row");
                }
            }
            case OPEN, UNCERTAIN -> {}
        }
    }
}
