package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.tsdstore.sql.TableSums;
import io.lockstep.wire.Answer;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.TableSum;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A store whose SQL transactions are open can be copied piece by piece, and the copy executes what comes next alike. */
class SqlStoreCopyTest {
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
    private final Map<Identity, Long> lastIds = new HashMap<>();

    /** What the message gave; null while it waits. */
    private @Nullable SqlOutcome say(StoreDriver driver, Identity session, boolean isAutoCommit, SqlAction action)
            throws Exception {
        long id = lastIds.merge(session, 1L, Long::sum);
        Execution done = driver.execute(
                driver.header(session, id, RequestKind.SQL, 1, 0, 0),
                codec.encode(SqlRequest.of(isAutoCommit, action)),
                Decision.EXECUTE);
        Answer answer = done.answer();
        return answer == null ? null : codec.decodeReply(answer.body()).outcome();
    }

    private @Nullable SqlOutcome run(StoreDriver driver, Identity session, String sql) throws Exception {
        return say(
                driver,
                session,
                false,
                new SqlAction.Execute(0, sql, new Value[0], GeneratedKeys.NONE, 0, 0, 0, 0, false));
    }

    private Identity logIn(StoreDriver driver) throws Exception {
        Identity session = driver.open();
        SqlOutcome.Challenge challenge = (SqlOutcome.Challenge) Objects.requireNonNull(
                say(driver, session, true, new SqlAction.Hello("app", "0123456789abcdefghijklmn")));
        String said = Scram.said("app", challenge.nonce(), challenge.salt(), challenge.iterations());
        byte[] proof = Scram.proof("app".toCharArray(), challenge.salt(), challenge.iterations(), said);
        assertThat(say(driver, session, true, new SqlAction.Prove(proof, Map.of())))
                .isInstanceOf(SqlOutcome.Welcome.class);
        return session;
    }

    @Test
    void aNodeJoinsWhileSqlTransactionsAreOpenAndOneWaitsForAnother() throws Exception {
        try (StoreDriver a = StoreDriver.withRecords()) {
            Identity first = logIn(a);
            Identity second = logIn(a);
            a.begin(first, "buy anna");
            run(a, first, "CREATE TABLE t(id INT PRIMARY KEY, v VARCHAR)");
            run(a, first, "INSERT INTO t SELECT x, REPEAT('v', 300) FROM system_range(1, 2000)");
            say(a, first, false, new SqlAction.End(true));
            assertThat(run(a, first, "UPDATE t SET v = 'first' WHERE id < 1500"))
                    .isEqualTo(new SqlOutcome.Updated(1499, null));
            assertThat(run(a, second, "UPDATE t SET v = v || 'second' WHERE id = 7"))
                    .isNull();
            final long digest = a.store.digest();
            final List<TableSum> sums = new TableSums().of(Objects.requireNonNull(a.store.moment()));
            StateCopy copy = a.store.copy();
            int from = a.executions.size();
            run(a, first, "SAVEPOINT s");
            run(a, first, "DELETE FROM t WHERE id = 8");
            run(a, first, "ROLLBACK TO SAVEPOINT s");
            say(a, first, false, new SqlAction.End(true));
            List<byte[]> pieces = StoreDriver.pieces(copy);
            assertThat(pieces).hasSizeGreaterThan(2);
            try (TsdStore b = StoreDriver.install(pieces, new ShopService(true), new H2Records())) {
                assertThat(b.digest()).isEqualTo(digest);
                assertThat(new TableSums().of(Objects.requireNonNull(b.moment())))
                        .isEqualTo(sums);
                for (Execution execution : a.executions.subList(from, a.executions.size())) {
                    b.apply(execution.entry());
                }
                assertThat(b.nextRetry()).isEqualTo(a.store.nextRetry()).isNotNull();
                assertThat(b.chain()).isEqualTo(a.store.chain());
                assertThat(b.digest()).isEqualTo(a.store.digest());
            }
        }
    }
}
