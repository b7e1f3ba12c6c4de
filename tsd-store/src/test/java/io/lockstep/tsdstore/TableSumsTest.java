package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.tsdstore.sql.TableSums;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.RowSum;
import io.lockstep.wire.TableSum;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What nodes compare of their tables beside the lane (row 58). */
class TableSumsTest {
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
                        case 4 -> "sql INSERT INTO journal SELECT 'line ' || X, NULL, 'low' FROM SYSTEM_RANGE(1, 300)";
                        case 5 -> "sql UPDATE journal SET level = 'high' WHERE line LIKE '%" + random.nextInt(9) + "'";
                        default -> "buy customer" + random.nextInt(9);
                    };
            Answer answer = driver.send(session, RequestKind.CONTINUE, transaction, message);
            assertThat(answer.code()).as(message).isIn(AnswerCode.OK, AnswerCode.SERVICE_ERROR);
        }
    }

    private static StateMoment moment(TsdStore store) {
        return Objects.requireNonNull(store.moment());
    }

    private static void byHand(H2Records records, String sql) throws SQLException {
        records.begin(1_790_000_000_000_000_000L, 1);
        try (Statement statement = records.connection().createStatement()) {
            statement.execute(sql);
        }
        records.commit();
    }

    /** The parts of a table that differ, down to its rows. */
    private static List<RowSum> differing(TableSums by, StateMoment ours, StateMoment theirs, String table) {
        long prefix = 0;
        for (int depth = 0; ; depth++) {
            List<RowSum> mine = by.rows(ours, table, depth, prefix, 33);
            List<RowSum> other = by.rows(theirs, table, depth, prefix, 33);
            if (mine.size() <= 32 && other.size() <= 32) {
                List<RowSum> only = new ArrayList<>(mine);
                only.removeAll(other);
                other.removeAll(mine);
                only.addAll(other);
                return only;
            }
            List<RowSum> parts = by.parts(ours, table, depth, prefix);
            List<RowSum> others = by.parts(theirs, table, depth, prefix);
            for (int i = 0; i < parts.size(); i++) {
                if (!parts.get(i).equals(others.get(i))) {
                    prefix = prefix << 8 | i;
                    break;
                }
            }
        }
    }

    @Test
    void row58AreEqualOnActiveBackupAndACopyAndWhetherOrNotTheyWereTakenBefore() throws Exception {
        try (StoreDriver a = StoreDriver.withRecords();
                TsdStore b = TsdStore.create(new ShopService(true), new H2Records(), TsdStoreConfig.defaults())) {
            Random random = new Random(3);
            Identity session = a.open();
            TableSums sumsOfA = new TableSums();
            TableSums sumsOfB = new TableSums();
            int applied = 0;
            for (int round = 0; round < 20; round++) {
                buy(a, session, 20, random);
                for (; applied < a.executions.size(); applied++) {
                    b.apply(a.executions.get(applied).entry());
                }
                List<TableSum> sums = sumsOfA.of(moment(a.store));
                assertThat(sums).isEqualTo(new TableSums().of(moment(a.store)));
                if (round % 3 == 0) {
                    assertThat(sumsOfB.of(moment(b))).isEqualTo(sums);
                }
            }
            CopyInstaller installer =
                    TsdStore.installer(new ShopService(true), new H2Records(), TsdStoreConfig.defaults());
            StateCopy copy = a.store.copy();
            while (copy.hasNext()) {
                installer.accept(copy.next());
            }
            try (TsdStore joined = installer.finish()) {
                List<TableSum> sums = sumsOfA.of(moment(a.store));
                assertThat(sums).extracting(TableSum::rows).anyMatch(rows -> rows > 300);
                assertThat(new TableSums().of(moment(joined))).isEqualTo(sums);
            }
        }
    }

    @Test
    void row58OneValueThatWasChangedByHandIsFoundWithItsTableItsKeyAndBothValues() throws Exception {
        H2Records records = new H2Records();
        try (StoreDriver a = StoreDriver.withRecords();
                TsdStore b = TsdStore.create(new ShopService(true), records, TsdStoreConfig.defaults())) {
            buy(a, a.open(), 200, new Random(5));
            for (Execution each : a.executions) {
                b.apply(each.entry());
            }
            TableSums sumsOfB = new TableSums();
            List<TableSum> before = sumsOfB.of(moment(b));
            assertThat(before).isEqualTo(new TableSums().of(moment(a.store)));

            byHand(records, "UPDATE extra.total SET amount = 4711 WHERE id = 2");
            List<TableSum> after = sumsOfB.of(moment(b));
            List<TableSum> changed = new ArrayList<>(after);
            changed.removeAll(before);
            assertThat(changed).extracting(TableSum::table).containsExactly("EXTRA.TOTAL (service)");
            assertThat(differing(sumsOfB, moment(a.store), moment(b), "EXTRA.TOTAL (service)"))
                    .extracting(RowSum::text)
                    .containsExactly("(ID=2, AMOUNT=5)", "(ID=2, AMOUNT=4711)");

            byHand(records, "UPDATE extra.total SET amount = 5 WHERE id = 2");
            assertThat(sumsOfB.of(moment(b))).isEqualTo(before);
            byHand(records, "INSERT INTO journal VALUES ('forged', NULL, 'high')");
            assertThat(differing(sumsOfB, moment(a.store), moment(b), "PUBLIC.JOURNAL (service)"))
                    .singleElement()
                    .satisfies(row -> assertThat(row.text()).contains("'forged'"));
            byHand(records, "SELECT NEXT VALUE FOR ticket");
            assertThat(differing(sumsOfB, moment(a.store), moment(b), "sequences (service)"))
                    .hasSize(2)
                    .allSatisfy(row -> assertThat(row.text()).startsWith("PUBLIC.TICKET stands at "));
        }
    }

    @Test
    void costsWhatWasChangedAndNotWhatThereIs() throws Exception {
        H2Records records = new H2Records();
        try (TsdStore store = TsdStore.create(new ShopService(true), records, TsdStoreConfig.defaults());
                StoreDriver driver = new StoreDriver(store, 1)) {
            driver.view();
            byHand(records, "INSERT INTO extra.total SELECT X, X FROM SYSTEM_RANGE(10, 50009)");
            TableSums sums = new TableSums();
            sums.of(moment(store));
            long read = sums.rowsRead();
            assertThat(read).isGreaterThan(50_000);
            sums.of(moment(store));
            assertThat(sums.rowsRead() - read).isZero();
            byHand(records, "UPDATE extra.total SET amount = 0 WHERE MOD(id, 1000) = 0");
            List<TableSum> after = sums.of(moment(store));
            assertThat(sums.rowsRead() - read).isEqualTo(100);
            assertThat(after).isEqualTo(new TableSums().of(moment(store)));
            byHand(records, "DELETE FROM extra.total WHERE id > 20000");
            assertThat(sums.of(moment(store))).isEqualTo(new TableSums().of(moment(store)));
            byHand(records, "DELETE FROM extra.total");
            assertThat(sums.of(moment(store))).isEqualTo(new TableSums().of(moment(store)));
        }
    }
}
