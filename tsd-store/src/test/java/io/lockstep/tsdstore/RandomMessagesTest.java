package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Random conversations: what one store executes, another applies, and a copy taken anywhere goes on alike. */
class RandomMessagesTest {
    private static final RequestKind[] KINDS = {
        RequestKind.BEGIN,
        RequestKind.BEGIN,
        RequestKind.CONTINUE,
        RequestKind.CONTINUE,
        RequestKind.CONTINUE,
        RequestKind.END,
        RequestKind.ROLLBACK,
        RequestKind.TOUCH,
        RequestKind.VOID,
        RequestKind.DIGEST,
        RequestKind.READ,
        RequestKind.CLOSE
    };

    @Test
    void storesThatTookTheSameEntriesAreEqualWithoutRecords() throws Exception {
        for (int seed = 1; seed <= 100; seed++) {
            new Conversation(seed, 200, false).run();
        }
    }

    @Test
    void storesThatTookTheSameEntriesAreEqualWithRecords() throws Exception {
        for (int seed = 1; seed <= 5; seed++) {
            new Conversation(seed, 120, true).run();
        }
    }

    /** One seed's story. */
    private static final class Conversation {
        private final int seed;
        private final int steps;
        private final boolean hasRecords;
        private final Random random;
        private final StoreDriver active;
        private TsdStore backup;
        private final List<Identity> sessions = new ArrayList<>();
        private final List<Request> sent = new ArrayList<>();

        Conversation(int seed, int steps, boolean hasRecords) {
            this.seed = seed;
            this.steps = steps;
            this.hasRecords = hasRecords;
            random = new Random(seed);
            TsdStore first = TsdStore.create(service(), records(), TsdStoreConfig.defaults());
            active = new StoreDriver(first, seed);
            backup = TsdStore.create(service(), records(), TsdStoreConfig.defaults());
        }

        private ShopService service() {
            return new ShopService(hasRecords);
        }

        private Records records() {
            return hasRecords ? new H2Records() : new NoRecords();
        }

        void run() throws Exception {
            try (active) {
                active.view();
                int applied = 0;
                for (int step = 0; step < steps; step++) {
                    act();
                    for (; applied < active.executions.size(); applied++) {
                        Execution execution = active.executions.get(applied);
                        assertThat(backup.apply(execution.entry()).answer())
                                .as("seed %s", seed)
                                .usingRecursiveComparison()
                                .isEqualTo(execution.answer());
                    }
                    assertThat(backup.chain()).as("seed %s", seed).isEqualTo(active.store.chain());
                    if (!hasRecords || step % 10 == 0) {
                        assertThat(backup.digest()).as("seed %s", seed).isEqualTo(active.store.digest());
                    }
                    if (random.nextInt(50) == 0) {
                        replaceBackup();
                    }
                }
            } finally {
                backup.close();
            }
        }

        private void replaceBackup() throws CopyBrokenException {
            List<byte[]> pieces = StoreDriver.pieces(active.store.copy());
            backup.close();
            backup = StoreDriver.install(pieces, service(), records());
            assertThat(backup.pendingEffects()).usingRecursiveComparison().isEqualTo(active.store.pendingEffects());
        }

        private void act() {
            active.pass(Duration.ofMillis(random.nextInt(3000)));
            TsdStore.Due due = active.due();
            if (due != null && random.nextInt(3) > 0) {
                active.own(due);
            } else if (sessions.isEmpty() || random.nextInt(20) == 0) {
                sessions.add(active.open());
            } else if (random.nextInt(60) == 0) {
                active.view();
            } else if (random.nextInt(20) == 0 && !active.store.pendingEffects().isEmpty()) {
                EffectRunner.Key key = active.store.pendingEffects().get(0).key();
                RequestKind kind = random.nextBoolean() ? RequestKind.EFFECT_STARTED : RequestKind.EFFECT_DONE;
                active.own(kind, Identity.NONE, 0, EntryBody.ofEffect(key));
            } else if (random.nextInt(6) == 0 && !sent.isEmpty()) {
                repeat();
            } else {
                request();
            }
        }

        /** A repeat, whatever has become of the first copy, executes nothing. */
        private void repeat() {
            Request again = sent.get(random.nextInt(sent.size())).asRepeated();
            Ruling ruling = active.store.judge(again);
            if (ruling instanceof Ruling.Answered || ruling instanceof Ruling.Refused) {
                return;
            }
            assertThat(again.kind()).as("seed %s", seed).isEqualTo(RequestKind.READ);
        }

        private void request() {
            Identity session = sessions.get(random.nextInt(sessions.size()));
            RequestKind kind = KINDS[random.nextInt(KINDS.length)];
            if (kind == RequestKind.CLOSE && random.nextInt(4) > 0) {
                kind = RequestKind.TOUCH;
            }
            Request request = active.next(session, kind, kind.isWithinTransaction() ? anyId() : 0, body());
            request = acknowledging(request);
            if (kind.isOrdered() && random.nextInt(30) == 0 && active.store.judge(request) instanceof Ruling.Fresh) {
                active.order(request, Decision.QUARANTINE);
            } else {
                Answer answer = active.ask(request);
                if (answer.code() == AnswerCode.UNKNOWN_SESSION) {
                    sessions.remove(session);
                }
            }
            sent.add(request);
        }

        private Request acknowledging(Request r) {
            long upTo = Math.max(0, r.requestId() - 1 - random.nextInt(10));
            return new Request(
                    r.session(),
                    1 + random.nextInt(3),
                    r.requestId(),
                    r.kind(),
                    r.transaction(),
                    upTo,
                    r.previousOrdered(),
                    Identity.NONE,
                    1000,
                    false,
                    r.body());
        }

        private long anyId() {
            return random.nextInt(12);
        }

        private String body() {
            return switch (random.nextInt(hasRecords ? 14 : 10)) {
                case 0, 1 -> "put " + random.nextInt(100);
                case 2 -> "note " + (random.nextInt(5) == 0 ? "stubborn" : random.nextInt(9));
                case 3 -> "dice";
                case 4 -> "end";
                case 5 -> "expire " + (1 + random.nextInt(20_000));
                case 6 -> "effect " + (random.nextBoolean() ? "once" : "often");
                case 7 -> "refuse " + random.nextInt(9);
                case 8 -> "fail";
                case 9 -> "show";
                default -> random.nextBoolean() ? "buy c" + random.nextInt(5) : "sql DELETE FROM purchase LIMIT 2";
            };
        }
    }
}
