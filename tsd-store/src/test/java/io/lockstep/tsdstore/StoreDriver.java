package io.lockstep.tsdstore;

import io.lockstep.wire.Answer;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Plays client and active towards one store: counts ids, makes headers, keeps every execution. One thread. */
final class StoreDriver implements AutoCloseable {
    final TsdStore store;
    final List<Execution> executions = new ArrayList<>();
    private final Random random;
    private final Map<Identity, Long> lastIds = new HashMap<>();
    private long term;
    long timeNs = 1_790_000_000_000_000_000L;

    StoreDriver(TsdStore store, long seed) {
        this.store = store;
        this.random = new Random(seed);
        this.term = store.last().term();
        this.timeNs = Math.max(timeNs, store.lastTimeNs());
    }

    static StoreDriver withoutRecords() {
        return withoutRecords(TsdStoreConfig.defaults());
    }

    static StoreDriver withoutRecords(TsdStoreConfig config) {
        StoreDriver driver = new StoreDriver(TsdStore.create(new ShopService(false), new NoRecords(), config), 1);
        driver.view();
        return driver;
    }

    static StoreDriver withRecords() {
        StoreDriver driver =
                new StoreDriver(TsdStore.create(new ShopService(true), new H2Records(), TsdStoreConfig.defaults()), 1);
        driver.view();
        return driver;
    }

    void pass(Duration time) {
        timeNs += time.toNanos();
    }

    Execution view() {
        term++;
        return own(RequestKind.VIEW, Identity.NONE, 0, new byte[0]);
    }

    Execution own(RequestKind kind, Identity session, long transaction, byte[] body) {
        return execute(header(session, 0, kind, 0, transaction, 0), body, Decision.EXECUTE);
    }

    Execution own(TsdStore.Due due) {
        return own(due.kind(), due.session(), due.transaction(), new byte[0]);
    }

    Identity open() {
        return open(random.nextLong() >>> 1 | 1);
    }

    Identity open(long nonce) {
        Answer answer = ask(new Request(
                Identity.provisional(nonce), 1, 0, RequestKind.OPEN, 0, 0, 0, Identity.NONE, 1000, false, new byte[0]));
        return answer.entry();
    }

    /** The next request of a session, not sent yet. */
    Request next(Identity session, RequestKind kind, long transaction, String body) {
        long last = lastIds.getOrDefault(session, 0L);
        return request(session, last + 1, kind, transaction, 0, last, body);
    }

    static Request request(
            Identity session,
            long id,
            RequestKind kind,
            long transaction,
            long acknowledged,
            long previous,
            String body) {
        return new Request(
                session,
                1,
                id,
                kind,
                transaction,
                acknowledged,
                previous,
                Identity.NONE,
                1000,
                false,
                ShopService.bytes(body));
    }

    Answer send(Identity session, RequestKind kind, long transaction, String body) {
        return ask(next(session, kind, transaction, body));
    }

    /** Begins a transaction and gives its id. */
    long begin(Identity session, String body) {
        Request request = next(session, RequestKind.BEGIN, 0, body);
        ask(request);
        return request.requestId();
    }

    /** Judges and, where it is fresh, executes. */
    Answer ask(Request request) {
        Ruling ruling = store.judge(request);
        if (ruling instanceof Ruling.Answered answered) {
            return answered.answer();
        }
        if (ruling instanceof Ruling.Refused refused) {
            return refused.answer();
        }
        if (request.kind() == RequestKind.READ) {
            return store.read(request, timeNs);
        }
        return order(request, Decision.EXECUTE);
    }

    Answer order(Request request, Decision decision) {
        ControlHeader header = new ControlHeader(
                term,
                store.last().position() + 1,
                request.session(),
                request.requestId(),
                request.kind(),
                request.attach(),
                request.transaction(),
                request.acknowledgedUpTo(),
                timeNs,
                random.nextLong());
        Answer answer = execute(header, request.body(), decision).answer();
        lastIds.merge(request.session(), request.requestId(), Math::max);
        return Objects.requireNonNull(answer);
    }

    ControlHeader header(Identity session, long id, RequestKind kind, int attach, long transaction, long acknowledged) {
        return new ControlHeader(
                term,
                store.last().position() + 1,
                session,
                id,
                kind,
                attach,
                transaction,
                acknowledged,
                timeNs,
                random.nextLong());
    }

    Execution execute(ControlHeader header, byte[] body, Decision decision) {
        Execution execution = store.execute(header, body, decision);
        executions.add(execution);
        return execution;
    }

    TsdStore.@Nullable Due due() {
        return store.nextDue(timeNs);
    }

    static List<byte[]> pieces(StateCopy copy) {
        List<byte[]> pieces = new ArrayList<>();
        try (copy) {
            while (copy.hasNext()) {
                pieces.add(copy.next());
            }
        }
        return pieces;
    }

    static TsdStore install(List<byte[]> pieces, TransactionService service, Records records)
            throws CopyBrokenException {
        try (CopyInstaller installer = TsdStore.installer(service, records, TsdStoreConfig.defaults())) {
            for (byte[] piece : pieces) {
                installer.accept(piece);
            }
            return installer.finish();
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
