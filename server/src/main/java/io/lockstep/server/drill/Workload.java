package io.lockstep.server.drill;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.TermChange;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongBiFunction;
import org.HdrHistogram.Histogram;

/** A load whose outcome can be checked. Found by {@link java.util.ServiceLoader}; safe from any thread. */
public interface Workload {
    /** Name by which {@code drill --workload} chooses it. */
    String name();

    /** The {@link io.lockstep.tsdstore.TransactionService} that the nodes run for it. */
    String service();

    /** How many transactions it keeps open where the command line does not say. */
    default int usualTransactions() {
        return 1_000;
    }

    /**
     * Whether the seed decides what each transaction does, so that an undisturbed run gives the same answers; not so where
     * transactions wait for each other.
     */
    default boolean isRepeatable() {
        return true;
    }

    /** Prepares a run; nothing is sent before {@link Run#start}. */
    Run prepare(Door door, Settings settings);

    /**
     * How a run reaches the database.
     *
     * @param cluster id of its processes
     * @param distributors where clients reach them
     * @param connect opens a client of messages; the run opens as many as it wants and closes them
     * @param terms told when a client of another kind has an answer of a new term; safe from any thread
     */
    record Door(
            String cluster,
            List<InetSocketAddress> distributors,
            Supplier<LockstepClient> connect,
            Consumer<TermChange> terms) {}

    /**
     * What to run.
     *
     * @param seed decides every message
     * @param openTransactions how many are open at any time, 1 or more
     * @param messagesPerSecond open-loop rate, 1 or more
     * @param stateBytes bytes of transaction state that each transaction carries, 0 or more
     */
    record Settings(long seed, int openTransactions, int messagesPerSecond, int stateBytes) {}

    /** One run. Started once, drained once, then asked for its verdict. */
    interface Run extends AutoCloseable {
        /** Fills the database with what the load needs, opens transactions up to the wanted number, then keeps the rate. */
        void start();

        /** Whether the wanted number of transactions is open. */
        boolean isWarm();

        /** Transactions open now: begun and answered, not ended. */
        int openTransactions();

        /** Messages answered so far. */
        long answeredMessages();

        /** From now on latencies count for that phase. */
        void enter(Phase phase);

        /** A node is about to be killed: remembers which transactions are open. */
        void beforeKill();

        /** Begins no more transactions, ends the open ones, and returns when all have ended or the limit is over. */
        boolean drain(Duration limit) throws InterruptedException;

        /** What became of everything, with the books audited through the client. Call after {@link #drain}. */
        Verdict verdict();

        /**
         * Runs the same seed again, undisturbed: the shipped service on a fresh store in this process, every message with
         * the header time that it had, in the order of those times.
         *
         * @param timeNs header time by (session position, request id) as recorded by the nodes
         * @return one line per transaction whose outcome differs; empty when all are equal
         * @throws UnsupportedOperationException the load is not {@link Workload#isRepeatable repeatable}
         */
        List<String> differencesFromUndisturbed(ToLongBiFunction<Long, Long> timeNs) throws Exception;

        @Override
        void close();
    }

    /** When a latency was taken. */
    enum Phase {
        BEFORE,
        DURING,
        AFTER
    }

    /**
     * What became of the transactions.
     *
     * @param continued open at a kill and ended as they should
     * @param lost answered effects that are gone
     * @param doubled effects that took place twice
     * @param unknown requests whose outcome the client could not learn
     * @param clientErrors errors that the application saw
     * @param booksBalanced whether the audit's sums agree
     * @param bookLines the audit in words, one line each
     * @param latencyUs latencies in microseconds from the intended start
     * @param timeline milliseconds since the start, highest latency in microseconds of that interval; for a picture
     * @param problems at most 100 lines about what went wrong
     */
    record Verdict(
            long started,
            long ended,
            long continued,
            long lost,
            long doubled,
            long unknown,
            long clientErrors,
            boolean booksBalanced,
            List<String> bookLines,
            Map<Phase, Histogram> latencyUs,
            List<long[]> timeline,
            List<String> problems) {}
}
