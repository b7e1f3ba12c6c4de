package io.lockstep.tests.differential;

import io.lockstep.tests.differential.Story.Asked;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs what a seed draws against plain H2 and against Lockstep, undisturbed and disturbed. Used by one thread. */
final class Comparison {
    private static final long LIMIT_S = 45;

    private final Site site;

    /** @param site is disturbed, and mended after each sequence */
    Comparison(Site site) {
        this.site = site;
    }

    /**
     * What came of one seed.
     *
     * @param messages asked of each database
     * @param waited of them, how many waited for somebody's lock
     * @param differences empty when all is equal
     */
    record Outcome(long seed, int messages, long waited, List<String> differences) {}

    Outcome compare(long seed) throws SQLException {
        SqlScript script = SqlScript.draw(seed);
        List<String> differences = new ArrayList<>();
        Story plain;
        try (PlainDatabase database = new PlainDatabase("plain" + seed)) {
            plain = database.run(script);
        }
        SplittableRandom random = new SplittableRandom(seed * 31 + 7);
        List<String> undisturbed = run(plain, -1, false, differences);
        int at = random.nextInt(plain.all.size());
        List<String> disturbed = run(plain, at, random.nextBoolean(), differences);
        if (differences.isEmpty() && !undisturbed.equals(disturbed)) {
            differences.add("what is left differs from the undisturbed run: " + undisturbed + " and " + disturbed);
        }
        site.mend();
        site.digest();
        return new Outcome(seed, plain.all.size(), plain.waited(), differences);
    }

    /**
     * @param killAt the message before or in which the active dies; below 0 for none
     * @param isBehind whether the message is on its way when the active dies
     * @return what the database holds afterwards
     */
    private List<String> run(Story expected, int killAt, boolean isBehind, List<String> differences)
            throws SQLException {
        String where =
                killAt < 0 ? "undisturbed" : "active killed " + (isBehind ? "in" : "before") + " message " + killAt;
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS " + expected.script.schema + " CASCADE");
            for (String sql : expected.script.setUp) {
                statement.execute(sql);
            }
        }
        List<SqlClient> clients = new ArrayList<>();
        try {
            for (int session = 0; session < expected.script.sessions; session++) {
                clients.add(new SqlClient(session, connect()));
            }
            Map<Integer, CompletableFuture<String>> open = new HashMap<>();
            for (int number = 0; number < expected.all.size(); number++) {
                if (number == killAt && !isBehind) {
                    site.kill();
                }
                Asked asked = expected.all.get(number);
                open.put(number, clients.get(asked.line.session()).ask(asked.line.step()));
                if (number == killAt && isBehind) {
                    site.kill();
                }
                for (int earlier = 0; earlier <= number; earlier++) {
                    CompletableFuture<String> answer = open.get(earlier);
                    if (answer != null && expected.all.get(earlier).answeredAfter <= number + 1) {
                        open.remove(earlier);
                        String seen = await(answer);
                        if (!seen.equals(expected.all.get(earlier).seen)) {
                            differences.add(where + ", message " + earlier + ": " + expected.all.get(earlier)
                                    + "\n  but " + seen);
                        }
                    }
                }
                if (differences.size() > 3) {
                    return List.of();
                }
            }
            for (SqlClient client : clients) {
                client.connection().rollback();
            }
        } finally {
            for (SqlClient client : clients) {
                client.close();
            }
        }
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            List<String> image = DatabaseImage.of(connection, expected.script.schema);
            if (!image.equals(expected.image()) && differences.isEmpty()) {
                List<String> missing = new ArrayList<>(expected.image());
                missing.removeAll(image);
                List<String> more = new ArrayList<>(image);
                more.removeAll(expected.image());
                differences.add(where + ": the database lacks " + missing + " and has " + more);
            }
            statement.execute("DROP SCHEMA " + expected.script.schema + " CASCADE");
            return image;
        }
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
