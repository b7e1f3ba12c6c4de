package io.lockstep.tests.differential;

import io.lockstep.tests.differential.Story.Asked;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Runs what a seed draws against plain H2 and against Lockstep, undisturbed and disturbed. Used by one thread. */
final class Comparison implements AutoCloseable {
    private static final long LIMIT_S = 45;
    /** Time for a message to get from a thread to the distributor. */
    private static final long LEFT_MS = 100;

    private static final String DEADLOCK = "error 40001 40001";

    private static final String DUPLICATE_KEY = "error 23505 ";
    private static final String LOCK_TIMEOUT = "error 50200 ";

    /** Why a sequence ends at a difference that is none: what follows it is another story. */
    private enum Turn {
        /**
         * Two messages block each other: which of them is ended is not promised. H2 ends the one that looks first, which is
         * the earlier one where it spins instead of waiting; Lockstep the one that closed the circle.
         */
        OUR_VICTIM,
        /** The other one of the two. */
        VICTIM_OF_H2,
        /**
         * A change at REPEATABLE READ or above that waited, and before which its transaction had seen nothing: H2 ends it as
         * if it had, Lockstep looks when its turn comes.
         */
        LATE_CHANGE,
        /**
         * Rows are inserted, the first of them with a key and a later one behind somebody's lock: H2 tries all of them again
         * over its own first try and finds the key there; Lockstep waits for the lock until its timeout.
         */
        FALSE_DUPLICATE;

        /** @return whether this is all that the messages answered at one moment differ in */
        static boolean explains(Set<Turn> turns, int differences) {
            return switch (differences) {
                case 1 -> turns.contains(LATE_CHANGE) || turns.contains(FALSE_DUPLICATE);
                case 2 -> turns.contains(OUR_VICTIM) && turns.contains(VICTIM_OF_H2);
                default -> false;
            };
        }
    }

    private final Site site;
    private @Nullable Connection auditor;
    private long wanted;

    /** @param site is disturbed, and mended after each sequence */
    Comparison(Site site) {
        this.site = site;
    }

    /**
     * What came of one seed.
     *
     * @param messages asked of each database
     * @param waited of them, how many waited for somebody's lock
     * @param takeovers how often the active died
     * @param wanted differences that are documented, see {@link WantedDifference}
     * @param differences empty when all is equal
     * @param story of plain H2
     * @param spentNs where the time went
     */
    record Outcome(
            long seed,
            int messages,
            long waited,
            int takeovers,
            long wanted,
            List<String> differences,
            Story story,
            Map<Phase, Long> spentNs) {}

    Outcome compare(long seed) throws SQLException {
        SqlScript script = SqlScript.draw(seed);
        List<String> differences = new ArrayList<>();
        Map<Phase, Long> spentNs = new EnumMap<>(Phase.class);
        wanted = 0;
        long beganNs = System.nanoTime();
        Story plain;
        try (PlainDatabase database = new PlainDatabase("plain" + seed)) {
            plain = database.run(script);
        }
        beganNs = spent(Phase.PLAIN, beganNs, spentNs);
        Disturbance disturbance = Disturbance.draw(seed, plain.all.size(), !script.hasFixedMoments());
        List<String> disturbed = run(plain, disturbance, differences);
        beganNs = spent(Phase.DISTURBED, beganNs, spentNs);
        List<String> undisturbed = run(plain, Disturbance.NONE, differences);
        beganNs = spent(Phase.UNDISTURBED, beganNs, spentNs);
        boolean isWhole = !disturbed.isEmpty() && !undisturbed.isEmpty();
        if (differences.isEmpty() && isWhole && !undisturbed.equals(disturbed)) {
            differences.add("what is left differs from the undisturbed run: " + undisturbed + " and " + disturbed);
        }
        site.mend();
        beganNs = spent(Phase.IN_SYNC, beganNs, spentNs);
        site.digest();
        spent(Phase.DIGEST, beganNs, spentNs);
        return new Outcome(
                seed, plain.all.size(), plain.waited(), disturbance.takeovers(), wanted, differences, plain, spentNs);
    }

    private static long spent(Phase phase, long sinceNs, Map<Phase, Long> spentNs) {
        long nowNs = System.nanoTime();
        spentNs.put(phase, nowNs - sinceNs);
        return nowNs;
    }

    /** @return what the database holds afterwards; empty when it ended before its end */
    private List<String> run(Story expected, Disturbance disturbance, List<String> differences) throws SQLException {
        try (Statement statement = auditor().createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS " + expected.script.schema + " CASCADE");
            for (String sql : expected.script.setUp) {
                statement.execute(sql);
            }
        }
        boolean isAnotherStory = false;
        List<SqlClient> clients = new ArrayList<>();
        try {
            for (int session = 0; session < expected.script.sessions; session++) {
                clients.add(new SqlClient(session, connect(), expected.script.schema));
            }
            Map<Integer, CompletableFuture<String>> open = new HashMap<>();
            for (int number = 0; number < expected.all.size(); number++) {
                if (number == disturbance.restartAt()) {
                    site.restart();
                }
                if (number == disturbance.againAt()) {
                    site.mend();
                    site.kill();
                }
                if (number == disturbance.killAt() && !disturbance.isBehind()) {
                    site.kill();
                }
                Asked asked = expected.all.get(number);
                open.put(number, clients.get(asked.line.session()).ask(asked.line.step()));
                if (number == disturbance.killAt() && disturbance.isBehind()) {
                    site.kill();
                }
                if (asked.line.isLeft() && asked.answeredAfter > number + 1) {
                    letWait(open.get(number));
                }
                List<String> found = new ArrayList<>();
                Set<Turn> turns = EnumSet.noneOf(Turn.class);
                for (int earlier = 0; earlier <= number; earlier++) {
                    CompletableFuture<String> answer = open.get(earlier);
                    if (answer != null && expected.all.get(earlier).answeredAfter <= number + 1) {
                        open.remove(earlier);
                        compare(disturbance, earlier, expected, await(answer), found, turns);
                    }
                }
                boolean isUndone = found.isEmpty() && isQueryAtEndOfTransaction(asked);
                if (isUndone || Turn.explains(turns, found.size())) {
                    wanted++;
                    isAnotherStory = true;
                    break;
                }
                differences.addAll(found);
                if (differences.size() > 3) {
                    return List.of();
                }
            }
            if (!isAnotherStory) {
                for (SqlClient client : clients) {
                    client.connection().rollback();
                }
            }
        } finally {
            for (SqlClient client : clients) {
                if (isAnotherStory) {
                    client.connection().abort(Runnable::run); // they may wait for each other
                }
                client.close();
            }
        }
        if (isAnotherStory) {
            return List.of();
        }
        Connection connection = auditor();
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET SCHEMA PUBLIC");
            List<String> image = DatabaseImage.of(connection, expected.script.schema);
            if (!image.equals(expected.image()) && differences.isEmpty()) {
                List<String> missing = new ArrayList<>(expected.image());
                missing.removeAll(image);
                List<String> more = new ArrayList<>(image);
                more.removeAll(expected.image());
                differences.add(disturbance + ": the database lacks " + missing + " and has " + more);
            }
            statement.execute("DROP SCHEMA " + expected.script.schema + " CASCADE");
            return image;
        }
    }

    /** Waits until the message has been ordered, which nobody tells: what comes to the distributor later is so later. */
    private void letWait(@Nullable CompletableFuture<String> answer) throws SQLException {
        try {
            if (answer != null) {
                answer.get(LEFT_MS, TimeUnit.MILLISECONDS);
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            connect().close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** @param turns gets what kind of difference this is, if it is one of those */
    private void compare(
            Disturbance disturbance, int number, Story story, String seen, List<String> differences, Set<Turn> turns) {
        Asked expected = story.all.get(number);
        if (seen.equals(expected.seen)) {
            return;
        }
        if (WantedDifference.between(expected.seen, seen) != null) {
            wanted++;
            return;
        }
        if (expected.seen.startsWith(DEADLOCK) && seen.startsWith("count") && isAtRepeatableRead(story, number)) {
            turns.add(Turn.LATE_CHANGE);
        } else if (expected.seen.startsWith(DEADLOCK) != seen.startsWith(DEADLOCK)) {
            turns.add(seen.startsWith(DEADLOCK) ? Turn.OUR_VICTIM : Turn.VICTIM_OF_H2);
        } else if (expected.seen.startsWith(DUPLICATE_KEY) && seen.startsWith(LOCK_TIMEOUT) && insertsRows(expected)) {
            turns.add(Turn.FALSE_DUPLICATE);
        }
        differences.add(disturbance + ", message " + number + ": " + expected + "\n  but " + seen);
    }

    /** H2 says of such a query that its transaction was rolled back, and keeps it; Lockstep does what it says. */
    private static boolean isQueryAtEndOfTransaction(Asked asked) {
        return asked.seen.startsWith(DEADLOCK)
                && asked.line.step() instanceof SqlStep.Execute execute
                && execute.sql().startsWith("SELECT");
    }

    private static boolean insertsRows(Asked asked) {
        return asked.line.step() instanceof SqlStep.Execute execute
                && execute.sql().startsWith("INSERT")
                && execute.sql().contains("), (");
    }

    private static boolean isAtRepeatableRead(Story story, int number) {
        int session = story.all.get(number).line.session();
        int level = Connection.TRANSACTION_READ_COMMITTED;
        for (Asked earlier : story.all.subList(0, number)) {
            if (earlier.line.session() == session && earlier.line.step() instanceof SqlStep.Isolation isolation) {
                level = isolation.level();
            }
        }
        return level >= Connection.TRANSACTION_REPEATABLE_READ;
    }

    /** To be called before the site is closed; waits for nobody. */
    @Override
    public void close() throws SQLException {
        Connection known = auditor;
        if (known != null) {
            known.abort(Runnable::run);
        }
    }

    /** One that outlives all takeovers of its site. */
    private Connection auditor() throws SQLException {
        Connection known = auditor;
        if (known == null) {
            known = connect();
            auditor = known;
        }
        return known;
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(site.url(), "app", "app");
    }

    private static String await(CompletableFuture<String> answer) {
        try {
            return answer.get(LIMIT_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            return "broken: " + e.getCause();
        } catch (TimeoutException e) {
            return "no answer";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
