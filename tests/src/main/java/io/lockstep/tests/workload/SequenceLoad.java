package io.lockstep.tests.workload;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Numbers that are given out: from a sequence, from another by default, and from an identity column, by transactions of
 * which some are rolled back. None may be given out twice, whatever became of the transaction.
 */
final class SequenceLoad implements SqlLoad {
    /** What one transaction was given. */
    private record Ticket(SqlTransaction transaction, long drawn, long row, long byDefault) {}

    private final Queue<Ticket> tickets = new ConcurrentLinkedQueue<>();

    @Override
    public List<String> setUp() {
        return List.of(
                "CREATE SEQUENCE DRAWN CACHE 8",
                "CREATE SEQUENCE GIVEN START WITH 1000000 INCREMENT BY 3",
                "CREATE TABLE TICKET(ROW_NUMBER BIGINT GENERATED ALWAYS AS IDENTITY(START WITH 5 CACHE 4) PRIMARY KEY,"
                        + " ID BIGINT NOT NULL, DRAWN BIGINT UNIQUE, GIVEN BIGINT DEFAULT NEXT VALUE FOR GIVEN)");
    }

    @Override
    public void transact(SqlTeller teller) throws SQLException {
        SqlTransaction transaction = teller.begin();
        for (int i = teller.random.nextInt(3); i >= 0; i--) {
            long drawn = number(teller.query("SELECT NEXT VALUE FOR DRAWN").get(0)[0]);
            long row = teller.insert("INSERT INTO TICKET(ID, DRAWN) VALUES (?, ?)", transaction.id, drawn);
            long byDefault = number(teller.query("SELECT GIVEN FROM TICKET WHERE ROW_NUMBER = ?", row)
                    .get(0)[0]);
            tickets.add(new Ticket(transaction, drawn, row, byDefault));
        }
        if (teller.random.nextInt(4) == 0) {
            teller.rollback();
        } else {
            teller.commit();
        }
    }

    private static long number(Object value) {
        return ((Number) value).longValue();
    }

    @Override
    public void audit(Connection database, SqlAudit audit) throws SQLException {
        Set<Long> drawn = new HashSet<>();
        Set<Long> rows = new HashSet<>();
        Set<Long> given = new HashSet<>();
        long highest = 0;
        for (Ticket ticket : tickets) {
            highest = Math.max(highest, ticket.drawn);
            if (!drawn.add(ticket.drawn)) {
                audit.doubled("the sequence gave a value twice: " + ticket);
            }
            if (!rows.add(ticket.row)) {
                audit.doubled("the identity column gave a value twice: " + ticket);
            }
            if (!given.add(ticket.byDefault)) {
                audit.doubled("the default gave a value twice: " + ticket);
            }
        }
        Map<Long, Ticket> stored = new HashMap<>();
        try (Statement statement = database.createStatement()) {
            try (ResultSet found = statement.executeQuery("SELECT ROW_NUMBER, ID, DRAWN, GIVEN FROM TICKET")) {
                while (found.next()) {
                    stored.put(
                            found.getLong(1),
                            new Ticket(
                                    new SqlTransaction(found.getLong(2)),
                                    found.getLong(3),
                                    found.getLong(1),
                                    found.getLong(4)));
                }
            }
            long kept = 0;
            for (Ticket ticket : tickets) {
                Ticket row = stored.get(ticket.row);
                kept += ticket.transaction.isCommitted() ? 1 : 0;
                judge(ticket, row, audit);
            }
            audit.check("tickets kept", kept, stored.size());
            try (ResultSet next = statement.executeQuery("SELECT NEXT VALUE FOR DRAWN")) {
                next.next();
                if (next.getLong(1) <= highest) {
                    audit.doubled("the sequence goes on with " + next.getLong(1) + ", and has given " + highest);
                }
            }
        }
        audit.note(tickets.size() + " values drawn, none twice unless said above; the highest is " + highest);
    }

    private static void judge(Ticket ticket, @org.jspecify.annotations.Nullable Ticket row, SqlAudit audit) {
        boolean isSame = row != null
                && row.transaction.id == ticket.transaction.id
                && row.drawn == ticket.drawn
                && row.byDefault == ticket.byDefault;
        switch (ticket.transaction.fate) {
            case COMMITTED -> {
                if (!isSame) {
                    audit.lost(ticket + " was answered; its row is " + row);
                }
            }
            case ROLLED_BACK -> {
                if (row != null) {
                    audit.doubled(ticket + " was rolled back and has the row " + row);
                }
            }
            case OPEN, UNCERTAIN -> {}
        }
    }
}
