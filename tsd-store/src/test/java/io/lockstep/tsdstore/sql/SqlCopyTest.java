package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A copy of a database whose sessions are in the middle of transactions goes on as its source does. */
class SqlCopyTest {
    private static final int SESSIONS = 4;
    private static final int ROUNDS = Integer.getInteger("lockstep.copies", 60);
    private static final long SEED = Long.getLong("lockstep.seed", 1);

    private record Said(int session, String sql, String result) {}

    private static RawDatabase source() {
        RawDatabase source = new RawDatabase();
        for (int i = 1; i <= SESSIONS; i++) {
            source.open(i);
        }
        for (String sql : RandomSql.SCHEMA) {
            assertThat(source.run(1, sql)).as(sql).doesNotMatch("\\d{4,5} .*");
        }
        return source;
    }

    @Test
    void goesOnLikeItsSourceWhateverItsSessionsWereDoing() {
        for (int round = 0; round < ROUNDS; round++) {
            long seed = SEED + round;
            System.out.println("SqlCopyTest seed " + seed);
            try (RawDatabase source = source()) {
                round(source, new Random(seed), "seed " + seed);
            }
        }
    }

    private static void round(RawDatabase source, Random random, String name) {
        List<Said> before = new ArrayList<>();
        RandomSql sql = new RandomSql(random);
        say(source, sql, 40 + random.nextInt(80), before);
        SqlSnapshot copied = source.snapshot();
        final long digest = RawDatabase.digest(source.snapshot());
        List<Said> after = new ArrayList<>();
        say(source, sql, 60, after);
        byte[] items = RawDatabase.items(copied);
        try (RawDatabase copy = new RawDatabase()) {
            RawDatabase.install(items, copy);
            Items.assertSame(name + " copied", RawDatabase.items(copy.snapshot()), items);
            assertThat(RawDatabase.digest(copy.snapshot())).as(name + " copied").isEqualTo(digest);
            for (int i = 0; i < after.size(); i++) {
                Said said = after.get(i);
                assertThat(copy.run(said.session(), said.sql()))
                        .as("%s %s after%n%s", name, said, i)
                        .isEqualTo(said.result());
            }
            Items.assertSame(
                    name + " went on", RawDatabase.items(copy.snapshot()), RawDatabase.items(source.snapshot()));
        }
    }

    private static void say(RawDatabase source, RandomSql sql, int messages, List<Said> said) {
        for (int i = 0; i < messages; i++) {
            int session = 1 + sql.random().nextInt(SESSIONS);
            String next = sql.next();
            said.add(new Said(session, next, source.run(session, next)));
        }
    }
}
