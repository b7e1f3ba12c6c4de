package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** One of the published benchmarks, at one scale, for one run. Safe from any thread, but for {@link #create}. */
interface Benchmark {
    /** Name on the command line. */
    String name();

    /** Its size by name, for the report. */
    Map<String, Object> scale();

    /** Where it is not what the specification asks for, one line each. */
    List<String> deviations();

    /** Kinds of transactions, in the order of the specification. */
    List<String> kinds();

    /** Creates tables and rows; called once, before anybody opens a terminal. */
    void create(Connection connection) throws SQLException;

    /**
     * A terminal over a connection whose autocommit is off.
     *
     * @param number counts from 0
     */
    Terminal open(int number, Connection connection) throws SQLException;

    /** What must hold when no terminal works, before the run as well as after it. */
    List<Finding> check(Connection connection) throws SQLException;

    /** What became of everything that terminals were answered; nobody works any more. */
    Audit audit(Connection connection) throws SQLException;

    /** Somebody at work. Touched by its own thread. */
    interface Terminal {
        /** Draws the inputs of its next transaction; nothing is sent. */
        Draw next();
    }

    /**
     * A transaction whose inputs are drawn.
     *
     * @param kind one of {@link Benchmark#kinds}
     * @param job what it does
     */
    record Draw(String kind, Job job) {}

    /** Does the transaction with its inputs, and books it; may be called again when it was rolled back. */
    interface Job {
        /** From the first statement to the answer of COMMIT or ROLLBACK. */
        Ending perform() throws SQLException;
    }

    /** How a transaction ended. */
    enum Ending {
        /** Committed. */
        COMMITTED,
        /** Ended without effect, as the benchmark expects of a share of them. */
        WITHOUT_EFFECT
    }

    /**
     * One condition and its verdict.
     *
     * @param name by which the specification knows it
     * @param text what must hold
     * @param query that finds what contradicts it
     * @param violations how many rows do
     * @param examples the first of them
     */
    record Finding(String name, String text, String query, long violations, List<String> examples) {
        public Finding {
            examples = List.copyOf(examples);
        }

        boolean holds() {
            return violations == 0;
        }
    }

    /**
     * What became of what was answered.
     *
     * @param lost answered effects that are gone
     * @param doubled effects that nobody was answered for, or twice
     * @param lines for people
     */
    record Audit(long lost, long doubled, List<String> lines) {
        public Audit {
            lines = List.copyOf(lines);
        }
    }
}
