package io.lockstep.tests.bench;

import com.sun.management.ThreadMXBean;
import io.lockstep.activenode.HeaderClock;
import io.lockstep.activenode.OrderCore;
import io.lockstep.activenode.Ordered;
import io.lockstep.examples.calls.PrepaidCalls;
import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.tsdstore.DivergenceException;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.h2.value.Value;
import org.h2.value.ValueBigint;
import org.h2.value.ValueInteger;
import org.jspecify.annotations.Nullable;

/**
 * What SQL messages cost the lane and a backup, without network and other threads: the workloads of {@code bench sql}
 * through {@link OrderCore} and {@link TsdStore#apply}. Prints the thread's own processor time and allocation, and how
 * many entries a transaction takes. One thread.
 *
 * <p>Every session sends its next message when it has its answer, and all of them at once: as if a round trip took as long
 * as the lane takes for one message of each.
 */
public final class LaneFigures {
    private static final String[] STATEMENTS = {
        "UPDATE account SET balance = balance + ? WHERE id = ?",
        "SELECT balance FROM account WHERE id = ?",
        "UPDATE teller SET balance = balance + ? WHERE id = ?",
        "UPDATE branch SET balance = balance + ? WHERE id = ?",
        "INSERT INTO history(teller, branch, account, delta, at) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP)"
    };
    private static final int ACCOUNT = 1;
    private static final int BALANCE = 2;
    private static final int TELLER = 3;
    private static final int BRANCH = 4;
    private static final int HISTORY = 5;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final TsdStore active = TsdStore.create(new PrepaidCalls(), new H2Records(), TsdStoreConfig.defaults());
    private final TsdStore backup = TsdStore.create(new PrepaidCalls(), new H2Records(), TsdStoreConfig.defaults());
    private final OrderCore order;
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
    private final Map<Identity, Client> clients = new HashMap<>();
    private final List<Entry> entries = new ArrayList<>();
    private long nextNonce = 1;

    private LaneFigures() {
        SplittableRandom seeds = new SplittableRandom(1);
        order = new OrderCore(
                active, 1, new HeaderClock(0, System.nanoTime(), 1_790_000_000_000_000_000L), seeds::nextLong);
        entries.add(order.openTerm(new byte[0], System.nanoTime(), 0).entry());
    }

    /**
     * Prints the figures.
     *
     * @param args transactions of a round, sessions at a time, rounds, and which workloads; all may be left out
     */
    public static void main(String[] args) throws SqlProtocolException, DivergenceException {
        int transactions = args.length > 0 ? Integer.parseInt(args[0]) : 20_000;
        int sessions = args.length > 1 ? Integer.parseInt(args[1]) : 32;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 4;
        List<String> chosen = args.length > 3 ? List.of(args[3].split(",")) : List.of("w1", "w1n", "w2", "w3");
        LaneFigures figures = new LaneFigures();
        figures.create();
        for (SqlWorkload workload : SqlWorkload.values()) {
            // What a driver's property changes is not measured here: these sessions have none.
            if (chosen.contains(workload.shortName()) && workload.properties.isEmpty()) {
                for (int round = 0; round < rounds; round++) {
                    figures.measure(workload, sessions, transactions);
                }
            }
        }
    }

    /** One session, and what it asks for next. */
    private final class Client {
        private final Identity name;
        private final SplittableRandom random;
        private long lastId;
        private long lastOrdered;
        private boolean isWaiting;
        private int step;
        private int account;
        private int teller;
        private long delta;

        Client(int number) {
            random = new SplittableRandom(number);
            Request open = new Request(
                    Identity.provisional(nextNonce++),
                    1,
                    0,
                    RequestKind.OPEN,
                    0,
                    0,
                    0,
                    Identity.NONE,
                    1000,
                    false,
                    new byte[0]);
            Execution execution = executed(order.onRequest(open, System.nanoTime(), 0));
            name = execution.entry().identity();
            clients.put(name, this);
        }

        Request request(RequestKind kind, boolean isAutoCommit, SqlAction action) {
            long id = ++lastId;
            Request request = new Request(
                    name,
                    1,
                    id,
                    kind,
                    0,
                    id - 1,
                    lastOrdered,
                    Identity.NONE,
                    1000,
                    false,
                    codec.encode(SqlRequest.of(isAutoCommit, action)));
            lastOrdered = kind.isOrdered() ? id : lastOrdered;
            return request;
        }

        SqlOutcome ask(SqlAction action) throws SqlProtocolException {
            Answer answer = executed(order.onRequest(request(RequestKind.SQL, true, action), System.nanoTime(), 0))
                    .answer();
            if (answer == null) {
                throw new IllegalStateException("it waits: " + action);
            }
            SqlOutcome outcome = codec.decodeReply(answer.body()).outcome();
            if (outcome instanceof SqlOutcome.Failed failed) {
                throw new IllegalStateException(failed.message());
            }
            return outcome;
        }

        void prove() throws SqlProtocolException {
            SqlOutcome.Challenge challenge =
                    (SqlOutcome.Challenge) ask(new SqlAction.Hello("app", "0123456789abcdefghijklmn"));
            String said = Scram.said("app", challenge.nonce(), challenge.salt(), challenge.iterations());
            byte[] proof = Scram.proof("app".toCharArray(), challenge.salt(), challenge.iterations(), said);
            ask(new SqlAction.Prove(proof, Map.of("timeZone", "UTC")));
        }

        void logIn() throws SqlProtocolException {
            prove();
            run("SET LOCK_TIMEOUT 600000");
            for (int i = 0; i < STATEMENTS.length; i++) {
                ask(new SqlAction.Prepare(i + 1, STATEMENTS[i]));
            }
        }

        void run(String sql) throws SqlProtocolException {
            ask(new SqlAction.Execute(0, sql, new Value[0], GeneratedKeys.NONE, 0, 0, 0, 0, false));
        }

        /** The next message of the workload; its last one has the step 0 behind it. */
        Request next(SqlWorkload workload, int number) {
            if (step == 0) {
                account = 1 + random.nextInt(SqlWorkload.ACCOUNTS);
                delta = random.nextInt(-99_999, 100_000);
            }
            int branch = workload == SqlWorkload.W1 ? 1 : number + 1;
            if (workload == SqlWorkload.W2) {
                return ordered(true, ACCOUNT, ValueBigint.get(1), ValueInteger.get(account));
            } else if (workload == SqlWorkload.W3) {
                return request(RequestKind.SQL_READ, true, execute(BALANCE, ValueInteger.get(account)));
            }
            return switch (step++) {
                case 0 -> ordered(false, ACCOUNT, ValueBigint.get(delta), ValueInteger.get(account));
                case 1 -> request(RequestKind.SQL_READ, false, execute(BALANCE, ValueInteger.get(account)));
                case 2 -> {
                    teller = (branch - 1) * SqlWorkload.TELLERS + 1 + random.nextInt(SqlWorkload.TELLERS);
                    yield ordered(false, TELLER, ValueBigint.get(delta), ValueInteger.get(teller));
                }
                case 3 -> ordered(false, BRANCH, ValueBigint.get(delta), ValueInteger.get(branch));
                case 4 ->
                    ordered(
                            false,
                            HISTORY,
                            ValueInteger.get(teller),
                            ValueInteger.get(branch),
                            ValueInteger.get(account),
                            ValueBigint.get(delta));
                default -> {
                    step = 0;
                    yield request(RequestKind.SQL, false, new SqlAction.End(true));
                }
            };
        }

        private Request ordered(boolean isAutoCommit, int statement, Value... parameters) {
            return request(RequestKind.SQL, isAutoCommit, execute(statement, parameters));
        }
    }

    private static SqlAction execute(int statement, Value... parameters) {
        return new SqlAction.Execute(statement, null, parameters, GeneratedKeys.NONE, 0, 0, 0, 0, false);
    }

    private Execution executed(Ordered ordered) {
        Execution execution = ordered.execution();
        if (execution == null) {
            throw new IllegalStateException("not executed: " + ordered.answer());
        }
        entries.add(execution.entry());
        return execution;
    }

    private void create() throws SqlProtocolException {
        Client owner = new Client(0);
        owner.prove();
        for (String each : SqlWorkload.tables()) {
            owner.run(each);
        }
    }

    private void measure(SqlWorkload workload, int sessions, int transactions)
            throws SqlProtocolException, DivergenceException {
        List<Client> all = new ArrayList<>();
        for (int number = 0; number < sessions; number++) {
            Client client = new Client(number);
            client.logIn();
            all.add(client);
        }
        applyAll();
        Meter lane = new Meter();
        Meter other = new Meter();
        long messages = 0;
        long attempts = 0;
        int done = 0;
        long turns = 0;
        List<Request> batch = new ArrayList<>();
        while (done < transactions) {
            batch.clear();
            for (int number = 0; number < sessions; number++) {
                Client client = all.get(number);
                if (!client.isWaiting) {
                    batch.add(client.next(workload, number));
                    done += client.step == 0 ? 1 : 0;
                }
            }
            messages += batch.size();
            turns++;
            lane.start();
            attempts += turn(batch);
            lane.stop();
            other.start();
            if (entries.size() > 1_000) {
                applyAll();
            }
            other.stop();
        }
        for (Client client : all) {
            Ordered closed = order.onRequest(
                    client.request(RequestKind.CLOSE, true, new SqlAction.Apply()), System.nanoTime(), 0);
            executed(closed);
            retryAll();
        }
        applyAll();
        System.out.printf(
                Locale.ROOT,
                "%-4s x %3d  lane %6.2f us, %,6d bytes a message; backup %6.2f us, %,6d bytes; a transaction: %.2f"
                        + " messages, %.2f further attempts, %.2f turns%n",
                workload.shortName(),
                sessions,
                lane.cpuNs / 1e3 / messages,
                lane.bytes / messages,
                other.cpuNs / 1e3 / messages,
                other.bytes / messages,
                messages / (double) done,
                attempts / (double) done,
                turns / (double) done);
    }

    private long turn(List<Request> batch) {
        long attempts = 0;
        for (Request request : batch) {
            long nowNs = System.nanoTime();
            if (order.isFreshRead(request)) {
                Ordered read = order.readKey(request, false);
                good(read == null ? order.readBeside(request).get() : read.answer());
                continue;
            }
            Ordered ordered = order.onRequest(request, nowNs, 0);
            executed(ordered);
            Client client = client(request.session());
            if (ordered.answer() == null) {
                client.isWaiting = true;
            } else {
                good(ordered.answer());
            }
            attempts += retryAll();
        }
        return attempts;
    }

    private long retryAll() {
        long attempts = 0;
        for (MarkedRequest waiting = order.nextRetry(); waiting != null; waiting = order.nextRetry()) {
            Execution again = order.retry(waiting, System.nanoTime(), 0);
            attempts++;
            entries.add(again.entry());
            Answer answer = again.answer();
            if (answer != null) {
                good(answer);
                client(answer.session()).isWaiting = false;
            }
        }
        return attempts;
    }

    private Client client(Identity name) {
        Client client = clients.get(name);
        if (client == null) {
            throw new IllegalStateException("no session " + name);
        }
        return client;
    }

    private static void good(@Nullable Answer answer) {
        if (answer == null || answer.code() != AnswerCode.OK) {
            throw new IllegalStateException("answered with " + answer);
        }
    }

    private void applyAll() throws DivergenceException {
        for (Entry entry : entries) {
            backup.apply(entry);
        }
        entries.clear();
    }

    /** Processor time and allocation of this thread between start and stop. */
    private static final class Meter {
        private long cpuNs;
        private long bytes;

        void start() {
            bytes -= THREADS.getCurrentThreadAllocatedBytes();
            cpuNs -= THREADS.getCurrentThreadCpuTime();
        }

        void stop() {
            cpuNs += THREADS.getCurrentThreadCpuTime();
            bytes += THREADS.getCurrentThreadAllocatedBytes();
        }
    }
}
