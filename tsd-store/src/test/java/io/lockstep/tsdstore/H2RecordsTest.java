package io.lockstep.tsdstore;

import static io.lockstep.tsdstore.ShopService.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class H2RecordsTest {
    private static TsdStore fresh() {
        return TsdStore.create(new ShopService(true), new H2Records(), TsdStoreConfig.defaults());
    }

    private static void buy(StoreDriver driver, Identity session, int messages, Random random) {
        long transaction = driver.begin(session, "put x");
        for (int i = 0; i < messages; i++) {
            driver.pass(Duration.ofMillis(7));
            String message =
                    switch (random.nextInt(8)) {
                        case 0 -> "sql DELETE FROM purchase WHERE number < " + random.nextInt(60);
                        case 1 -> "sql INSERT INTO customer(name) VALUES ('customer" + random.nextInt(9) + "')";
                        case 2 ->
                            "sql INSERT INTO extra.total VALUES (" + random.nextInt(30) + ", NEXT VALUE FOR ticket)";
                        case 3 -> "sql DELETE FROM journal WHERE line = 'customer" + random.nextInt(9) + "'";
                        case 4 -> "sql SELECT line, at, level FROM journal";
                        case 5 -> "sql INSERT INTO purchase(code, customer) VALUES (NEXT VALUE FOR ticket, -1)";
                        default -> "buy customer" + random.nextInt(9);
                    };
            Answer answer = driver.send(session, RequestKind.CONTINUE, transaction, message);
            assertThat(answer.code())
                    .as(message + ": " + text(answer.body()))
                    .isIn(AnswerCode.OK, AnswerCode.SERVICE_ERROR);
        }
    }

    @Test
    void recordsOfTwoStoresAreEqualAfterTheSameEntries() throws Exception {
        try (StoreDriver a = StoreDriver.withRecords();
                TsdStore b = fresh()) {
            buy(a, a.open(), 100, new Random(1));
            for (Execution execution : a.executions) {
                b.apply(execution.entry());
            }
            assertThat(b.digest()).isEqualTo(a.store.digest());
        }
    }

    @Test
    void databaseFunctionsShowHeaderTime() {
        try (StoreDriver a = StoreDriver.withRecords()) {
            Identity session = a.open();
            Answer answer = a.send(session, RequestKind.BEGIN, 0, "sql SELECT CURRENT_TIMESTAMP(9), LOCALTIME");
            assertThat(text(answer.body())).isEqualTo("2026-09-21 14:13:20+00 14:13:20 ;");
            a.pass(Duration.ofSeconds(5));
            answer = a.send(session, RequestKind.BEGIN, 0, "sql SELECT LOCALTIMESTAMP");
            assertThat(text(answer.body())).isEqualTo("2026-09-21 14:13:25 ;");
        }
    }

    @Test
    void aCopyGoesOnLikeItsSource() throws Exception {
        try (StoreDriver a = StoreDriver.withRecords()) {
            Random random = new Random(7);
            Identity session = a.open();
            buy(a, session, 300, random);
            StateCopy copy = a.store.copy();
            final long digest = a.store.digest();
            int from = a.executions.size();
            buy(a, session, 1000, random);
            List<byte[]> pieces = StoreDriver.pieces(copy);
            try (TsdStore b = StoreDriver.install(pieces, new ShopService(true), new H2Records())) {
                assertThat(b.last()).isEqualTo(copy.at());
                assertThat(b.chain()).isEqualTo(copy.chain());
                assertThat(b.digest()).isEqualTo(digest);
                for (Execution execution : a.executions.subList(from, a.executions.size())) {
                    b.apply(execution.entry());
                }
                assertThat(b.chain()).isEqualTo(a.store.chain());
                assertThat(b.digest()).isEqualTo(a.store.digest());
            }
        }
    }

    @Test
    void aChangedRowIsFoundWhenAnAnswerDependsOnIt() throws Exception {
        try (StoreDriver a = StoreDriver.withRecords();
                TsdStore b = fresh()) {
            Identity session = a.open();
            long transaction = a.begin(session, "buy anna");
            for (Execution execution : a.executions) {
                b.apply(execution.entry());
            }
            StoreDriver wrong = new StoreDriver(b, 9);
            // The same entry with another body stands for a row that was changed by hand.
            a.send(session, RequestKind.CONTINUE, transaction, "sql UPDATE customer SET balance = 1");
            Entry changed = a.executions.get(a.executions.size() - 1).entry();
            wrong.execute(changed.header(), ShopService.bytes("sql UPDATE customer SET balance = 2"), Decision.EXECUTE);
            a.send(session, RequestKind.CONTINUE, transaction, "sql SELECT balance FROM customer");
            Entry asked = a.executions.get(a.executions.size() - 1).entry();
            assertThatThrownBy(() -> b.apply(asked)).isInstanceOfSatisfying(DivergenceException.class, e -> {
                assertThat(e.expected()).isEqualTo(asked.outcome());
                assertThat(e.actual()).isNotEqualTo(asked.outcome());
                assertThat(e).hasMessageContaining("CONTINUE@" + asked.identity());
            });
            assertThatThrownBy(() -> b.nextDue(0)).hasMessageContaining("differs");
        }
    }

    @Test
    void aFailedMessageLeavesNoRow() {
        try (StoreDriver a = StoreDriver.withRecords()) {
            Identity session = a.open();
            long transaction = a.begin(session, "put x");
            assertThat(a.send(session, RequestKind.CONTINUE, transaction, "refuse it")
                            .code())
                    .isEqualTo(AnswerCode.SERVICE_ERROR);
            assertThat(a.send(session, RequestKind.CONTINUE, transaction, "fail")
                            .code())
                    .isEqualTo(AnswerCode.SERVICE_FAILED);
            Answer rows = a.send(session, RequestKind.CONTINUE, transaction, "sql SELECT COUNT(*) FROM journal");
            assertThat(text(rows.body())).isEqualTo("0 ;");
        }
    }

    @Test
    void aServiceIsRefusedWhatIsNotItsOwn() {
        try (StoreDriver a = StoreDriver.withRecords()) {
            Identity session = a.open();
            for (String sql : List.of(
                    "CREATE TABLE more(id INT)",
                    "DROP TABLE journal",
                    "CREATE ALIAS f AS 'int f() { return 1; }'",
                    "CALL FILE_READ('/etc/hostname')",
                    "SHUTDOWN",
                    "SELECT * FROM nowhere")) {
                Answer answer = a.send(session, RequestKind.BEGIN, 0, "sql " + sql);
                assertThat(answer.code()).as(sql).isEqualTo(AnswerCode.SERVICE_ERROR);
            }
            Answer read = a.send(session, RequestKind.READ, 0, "sql DELETE FROM journal");
            assertThat(read.code()).isEqualTo(AnswerCode.SERVICE_ERROR);
            assertThat(a.send(session, RequestKind.READ, 0, "sql SELECT * FROM journal")
                            .code())
                    .isEqualTo(AnswerCode.OK);
        }
    }

    @Test
    void endingAMessagesTransactionIsNotTheServices() {
        TransactionService rude = new ForwardingService(new ShopService(true)) {
            @Override
            public byte[] handle(TransactionContext context, byte[] message) throws SQLException {
                context.records().commit();
                return message;
            }
        };
        try (StoreDriver a = new StoreDriver(TsdStore.create(rude, new H2Records(), TsdStoreConfig.defaults()), 1)) {
            a.view();
            Answer answer = a.send(a.open(), RequestKind.BEGIN, 0, "x");
            assertThat(answer.code()).isEqualTo(AnswerCode.SERVICE_ERROR);
            assertThat(text(answer.body())).contains("0A000").contains("commit");
        }
    }

    @Test
    void aCopyDoesNotSeeWhatComesAfterItAndKeepsLargeObjects() throws Exception {
        try (StoreDriver a = StoreDriver.withRecords()) {
            Identity session = a.open();
            long transaction = a.begin(session, "put x");
            for (int i = 0; i < 40; i++) {
                a.send(session, RequestKind.CONTINUE, transaction, "buy customer" + i);
            }
            long digest = a.store.digest();
            StateCopy copy = a.store.copy();
            List<byte[]> pieces = new ArrayList<>();
            a.send(session, RequestKind.CONTINUE, transaction, "sql DELETE FROM purchase");
            a.send(session, RequestKind.CONTINUE, transaction, "sql DELETE FROM customer");
            pieces.addAll(StoreDriver.pieces(copy));
            try (TsdStore b = StoreDriver.install(pieces, new ShopService(true), new H2Records())) {
                assertThat(b.digest()).isEqualTo(digest);
            }
        }
    }

    @Test
    void aTableThatGotItsPrimaryKeyAfterItsRowsGoesOnInACopy() throws Exception {
        TransactionService late = new ForwardingService(new ShopService(true)) {
            @Override
            public void createRecords(Connection records) throws SQLException {
                super.createRecords(records);
                try (Statement statement = records.createStatement()) {
                    statement.execute("CREATE TABLE late(id INT NOT NULL, note VARCHAR)");
                    statement.execute("INSERT INTO late VALUES (70, 'a'), (30, 'b'), (50, 'c')");
                    statement.execute("ALTER TABLE late ADD PRIMARY KEY (id)");
                }
            }
        };
        try (StoreDriver a = new StoreDriver(TsdStore.create(late, new H2Records(), TsdStoreConfig.defaults()), 1)) {
            a.view();
            Identity session = a.open();
            long transaction = a.begin(session, "put x");
            int from = a.executions.size();
            List<byte[]> pieces = StoreDriver.pieces(a.store.copy());
            String rows = "sql SELECT _ROWID_, id, note FROM late";
            assertThat(text(a.send(session, RequestKind.CONTINUE, transaction, rows)
                            .body()))
                    .isEqualTo("1 70 a ;2 30 b ;3 50 c ;");
            a.send(session, RequestKind.CONTINUE, transaction, "sql INSERT INTO late VALUES (10, 'd')");
            a.send(session, RequestKind.CONTINUE, transaction, rows);
            try (TsdStore b = StoreDriver.install(pieces, late, new H2Records())) {
                for (Execution execution : a.executions.subList(from, a.executions.size())) {
                    b.apply(execution.entry());
                }
                assertThat(b.digest()).isEqualTo(a.store.digest());
            }
        }
    }
}
