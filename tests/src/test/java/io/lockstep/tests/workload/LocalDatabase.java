package io.lockstep.tests.workload;

import io.lockstep.distributor.LockstepException;
import io.lockstep.examples.calls.CallAnswer;
import io.lockstep.examples.calls.CallAnswer.Granted;
import io.lockstep.examples.calls.CallMessage;
import io.lockstep.examples.calls.CallQuestion;
import io.lockstep.examples.calls.PrepaidCalls;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A database of one store in this process, with the shipped service, reached through doors; it can be told to cheat.
 * Safe from any thread: its lane executes everything.
 */
final class LocalDatabase implements AutoCloseable {
    /** What it may do wrong to one message. */
    enum Cheat {
        /** Answers a hang-up as it should, and has not executed it. */
        FORGETS,
        /** Executes a start twice, under two ids. */
        REPEATS,
        /** Executes it, and lets the client not know. */
        LEAVES_UNKNOWN,
        /** Denies that the call is there. */
        DENIES
    }

    private final TsdStore store = TsdStore.create(new PrepaidCalls(), new H2Records(), TsdStoreConfig.defaults());
    private final ExecutorService lane = Executors.newSingleThreadExecutor(task -> new Thread(task, "lane"));
    private final Map<Identity, Map<Long, Long>> times = new ConcurrentHashMap<>();
    private final Map<RequestKind, Cheat> cheats = new ConcurrentHashMap<>();
    private final long bornNs = System.nanoTime();
    private long position;

    LocalDatabase() {
        lane.execute(() -> {
            ControlHeader view = header(Identity.NONE, RequestKind.VIEW, 0, 0);
            store.execute(view, new byte[0], Decision.EXECUTE);
        });
    }

    /** Cheats on the next message of that kind. */
    void cheatOnNext(RequestKind kind, Cheat cheat) {
        cheats.put(kind, cheat);
    }

    /** Occupies the lane until the latch of the caller opens. */
    void block(Runnable wait) {
        lane.execute(wait);
    }

    CallDoor open() {
        return CompletableFuture.supplyAsync(
                        () -> {
                            Identity name = Identity.provisional(position + 1);
                            return new Door(execute(name, RequestKind.OPEN, 0, 0, new byte[0])
                                    .entry());
                        },
                        lane)
                .join();
    }

    long timeNs(long sessionPosition, long requestId) {
        Map<Long, Long> ofSession = times.get(new Identity(1, sessionPosition));
        return Objects.requireNonNull(Objects.requireNonNull(ofSession).get(requestId));
    }

    @Override
    public void close() {
        lane.execute(store::close);
        lane.shutdown();
    }

    private Answer execute(Identity session, RequestKind kind, long requestId, long transaction, byte[] body) {
        ControlHeader header = header(session, kind, requestId, transaction);
        times.computeIfAbsent(session, name -> new ConcurrentHashMap<>()).put(requestId, header.timeNs());
        return Objects.requireNonNull(
                store.execute(header, body, Decision.EXECUTE).answer());
    }

    private ControlHeader header(Identity session, RequestKind kind, long requestId, long transaction) {
        position++;
        // Noon of a day in 2025.
        long now = 1_763_726_400_000_000_000L + System.nanoTime() - bornNs;
        return new ControlHeader(
                1, position, session, requestId, kind, 1, transaction, Math.max(0, requestId - 1), now, position);
    }

    private static Granted granted(byte[] answer) {
        try {
            return (Granted) CallAnswer.decode(answer);
        } catch (ServiceException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] bodyOf(Answer answer) {
        if (answer.code() != AnswerCode.OK) {
            throw new LockstepException(
                    LockstepException.Outcome.REFUSED_BY_SERVICE,
                    answer.code(),
                    new String(answer.body(), StandardCharsets.UTF_8));
        }
        return answer.body();
    }

    /** One session; its ids belong to the lane. */
    private final class Door implements CallDoor {
        private final Identity session;
        private long requestId;

        Door(Identity session) {
            this.session = session;
        }

        @Override
        public Identity session() {
            return session;
        }

        @Override
        public CompletionStage<Conversation> begin(CallMessage message) {
            byte[] body = message.encode();
            return CompletableFuture.supplyAsync(
                    () -> {
                        Cheat cheat = cheats.remove(RequestKind.BEGIN);
                        if (cheat == Cheat.REPEATS) {
                            requestId++;
                            bodyOf(execute(session, RequestKind.BEGIN, requestId, requestId, body));
                        }
                        requestId++;
                        byte[] answer = bodyOf(execute(session, RequestKind.BEGIN, requestId, requestId, body));
                        if (cheat == Cheat.LEAVES_UNKNOWN) {
                            throw unknown();
                        }
                        return new Talk(this, requestId, answer);
                    },
                    lane);
        }

        private byte[] further(Talk talk, RequestKind kind, CallMessage message) {
            Cheat cheat = cheats.remove(kind);
            requestId++;
            talk.lastRequestId = requestId;
            if (cheat == Cheat.DENIES) {
                throw new LockstepException(
                        LockstepException.Outcome.NOT_EXECUTED, AnswerCode.TRANSACTION_UNKNOWN, "no such transaction");
            }
            if (cheat == Cheat.FORGETS && message instanceof CallMessage.HangUp hangUp) {
                return talk.charged(hangUp).encode();
            }
            byte[] answer = bodyOf(execute(session, kind, requestId, talk.id, message.encode()));
            if (message instanceof CallMessage.Extend extend) {
                talk.extended(extend, answer);
            }
            if (cheat == Cheat.LEAVES_UNKNOWN) {
                throw unknown();
            }
            return answer;
        }

        @Override
        public byte[] beginAndWait(CallMessage message) {
            return CompletableFuture.supplyAsync(
                            () -> {
                                requestId++;
                                return bodyOf(
                                        execute(session, RequestKind.BEGIN, requestId, requestId, message.encode()));
                            },
                            lane)
                    .join();
        }

        @Override
        public byte[] ask(CallQuestion question) {
            return CompletableFuture.supplyAsync(
                            () -> {
                                Request request = new Request(
                                        session,
                                        1,
                                        requestId + 1,
                                        RequestKind.READ,
                                        0,
                                        requestId,
                                        requestId,
                                        new Identity(1, position),
                                        0,
                                        false,
                                        question.encode());
                                return bodyOf(store.read(request, store.lastTimeNs()));
                            },
                            lane)
                    .join();
        }

        @Override
        public void close() {}

        private LockstepException unknown() {
            return new LockstepException(LockstepException.Outcome.UNKNOWN, null, "no active could be reached");
        }
    }

    /** One call; what it remembers belongs to the lane. */
    private final class Talk implements CallDoor.Conversation {
        private final Door door;
        private final long id;
        private final byte[] firstAnswer;
        private volatile long lastRequestId;
        private Granted granted;
        private int usedSeconds;

        Talk(Door door, long id, byte[] firstAnswer) {
            this.door = door;
            this.id = id;
            this.firstAnswer = firstAnswer;
            this.lastRequestId = id;
            this.granted = granted(firstAnswer);
        }

        void extended(CallMessage.Extend extend, byte[] answer) {
            usedSeconds += extend.usedSeconds();
            granted = granted(answer);
        }

        CallAnswer.Charged charged(CallMessage.HangUp hangUp) {
            long charge = granted.spent() + hangUp.usedSeconds() * granted.microsPerSecond();
            return new CallAnswer.Charged(usedSeconds + hangUp.usedSeconds(), charge, granted.reserved() - charge);
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public byte[] firstAnswer() {
            return firstAnswer;
        }

        @Override
        public CompletionStage<byte[]> send(CallMessage message) {
            return CompletableFuture.supplyAsync(() -> door.further(this, RequestKind.CONTINUE, message), lane);
        }

        @Override
        public CompletionStage<byte[]> end(CallMessage message) {
            return CompletableFuture.supplyAsync(() -> door.further(this, RequestKind.END, message), lane);
        }

        @Override
        public long lastRequestId() {
            return lastRequestId;
        }
    }
}
