package io.lockstep.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.sum;
import static org.jooq.impl.DSL.table;
import static org.jooq.impl.SQLDataType.BIGINT;
import static org.jooq.impl.SQLDataType.INTEGER;

import java.math.BigDecimal;
import org.jooq.CloseableDSLContext;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** jOOQ, which knows what to write from the connection alone. */
@Timeout(300)
@ExtendWith(RunningDatabase.class)
class JooqIT {
    private static final Table<Record> ACCOUNT = table(name("ACCOUNT"));
    private static final Table<Record> POSTING = table(name("POSTING"));
    private static final Field<Integer> ID = field(name("ID"), INTEGER.nullable(false));
    private static final Field<Long> POSTING_ID = field(name("ID"), BIGINT.identity(true));
    private static final Field<Integer> BALANCE = field(name("BALANCE"), INTEGER.nullable(false));
    private static final Field<Integer> OF_ACCOUNT = field(name("ACCOUNT"), INTEGER.nullable(false));
    private static final Field<Integer> AMOUNT = field(name("AMOUNT"), INTEGER.nullable(false));

    @Test
    void aTransactionGoesOnWhenTheActiveIsKilled(Database database) throws Exception {
        try (CloseableDSLContext jooq = DSL.using(database.url(), Database.USER, Database.PASSWORD)) {
            createSchema(jooq);
            jooq.transaction(configuration -> {
                DSLContext open = DSL.using(configuration);
                assertThat(open.select(BALANCE)
                                .from(ACCOUNT)
                                .where(ID.eq(1))
                                .forUpdate()
                                .fetchOne(BALANCE))
                        .isEqualTo(100);
                add(open, 1, -30);
                assertThat(post(open, 1, -30)).isEqualTo(1);

                database.killActive();

                add(open, 2, 30);
                assertThat(post(open, 2, 30)).isEqualTo(2);
                assertThat(open.select(sum(BALANCE)).from(ACCOUNT).fetchOne(0, BigDecimal.class))
                        .isEqualByComparingTo("200");
            });
            assertThat(jooq.dialect().family()).isEqualTo(SQLDialect.H2);
        }
        assertThat(database.rows("SELECT ID, BALANCE FROM ACCOUNT ORDER BY ID")).containsExactly("1 70", "2 130");
        assertThat(database.rows("SELECT ID, ACCOUNT, AMOUNT FROM POSTING ORDER BY ID"))
                .containsExactly("1 1 -30", "2 2 30");
    }

    private static void createSchema(DSLContext jooq) {
        jooq.createTable(ACCOUNT)
                .columns(ID, BALANCE)
                .constraint(DSL.primaryKey(ID))
                .execute();
        jooq.createTable(POSTING)
                .columns(POSTING_ID, OF_ACCOUNT, AMOUNT)
                .constraints(
                        DSL.primaryKey(POSTING_ID), DSL.foreignKey(OF_ACCOUNT).references(ACCOUNT, ID))
                .execute();
        assertThat(jooq.insertInto(ACCOUNT, ID, BALANCE)
                        .values(1, 100)
                        .values(2, 100)
                        .execute())
                .isEqualTo(2);
    }

    private static void add(DSLContext open, int account, int amount) {
        assertThat(open.update(ACCOUNT)
                        .set(BALANCE, BALANCE.plus(amount))
                        .where(ID.eq(account))
                        .execute())
                .isEqualTo(1);
    }

    private static long post(DSLContext open, int account, int amount) {
        return open.insertInto(POSTING, OF_ACCOUNT, AMOUNT)
                .values(account, amount)
                .returningResult(POSTING_ID)
                .fetchSingle(POSTING_ID);
    }
}
