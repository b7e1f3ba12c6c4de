package io.lockstep.tests.checkers;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * I2, I3, I6 and R9: each request takes effect at most once, as its client sent it, in the order of its session; the same
 * request always gets the same answer.
 */
final class OnceOnly {
    private record Key(Identity session, long requestId) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Key that && requestId == that.requestId && session.equals(that.session);
        }

        @Override
        public int hashCode() {
            return session.hashCode() * 31 + Long.hashCode(requestId);
        }
    }

    /** What is known of one request. */
    private static final class Known {
        @Nullable Request asked;

        @Nullable Answer answer;

        boolean isNotExecuted;
        boolean isVoidedWaiting;
        /** In the history that survived: where it took effect, and where it was barred. */
        @Nullable Entry effect;

        @Nullable Entry bar;
    }

    private final Map<Key, Known> requests = new HashMap<>(512);

    private Known of(Identity session, long requestId) {
        Key key = new Key(session, requestId);
        Known known = requests.get(key);
        if (known == null) {
            known = new Known();
            requests.put(key, known);
        }
        return known;
    }

    /** A client sent a copy; the first one says what the request is. */
    void asked(Request request) {
        if (request.kind() != RequestKind.VOID) {
            Known known = of(request.session(), request.requestId());
            if (known.asked == null) {
                known.asked = request;
            }
        }
    }

    /** A gate let an answer go. */
    void answered(Answer answer) {
        if (!answer.code().isOrdered()
                || answer.requestId() == 0
                || answer.entry().equals(Identity.NONE)) {
            return;
        }
        Known known = of(answer.session(), answer.requestId());
        Answer first = known.answer;
        known.answer = first == null ? answer : first;
        boolean isSame = first == null
                || (first.code() == answer.code()
                        && first.entry().equals(answer.entry())
                        && Arrays.equals(first.body(), answer.body()));
        if (!isSame) {
            throw new Violation("I3: " + first + " became " + answer);
        }
    }

    /** A client was told that a request was definitely not executed (R10). */
    void notExecuted(Identity session, long requestId) {
        of(session, requestId).isNotExecuted = true;
    }

    /** A message that waited for a lock is answered by the attempt that ended its waiting, or by what ended it. */
    private static boolean isAnsweredLater(Entry effect, Answer answer, History history) {
        if (effect.header().kind() != RequestKind.SQL
                || answer.entry().position() <= effect.position()
                || !history.has(answer.entry())) {
            return false;
        }
        Entry end = history.entries().get((int) answer.entry().position() - 1);
        boolean isOfIt = end.header().requestId() == answer.requestId();
        return end.header().session().equals(answer.session())
                && switch (end.header().kind()) {
                    case RETRY, GIVE_UP, VOID -> isOfIt;
                    case SQL -> !isOfIt;
                    default -> false;
                };
    }

    /** The history that survived. */
    void survived(History history) {
        Map<Identity, Long> lastOfSession = new HashMap<>();
        for (Entry entry : history.entries()) {
            RequestKind kind = entry.header().kind();
            if (kind == RequestKind.RETRY
                    && of(entry.header().session(), entry.header().requestId()).isVoidedWaiting) {
                throw new Violation("R10: " + entry + " tries what was voided while it waited");
            }
            if (!kind.isFromClient() || entry.header().requestId() == 0) {
                continue;
            }
            Identity session = entry.header().session();
            long id = entry.header().requestId();
            Known known = of(session, id);
            if (entry.decision() == Decision.QUARANTINE) {
                // Bars the message; the message itself may still take its place in the session, without effect.
                known.bar = entry;
                continue;
            }
            Entry before = known.effect;
            if (before != null && kind == RequestKind.VOID && before.header().kind() == RequestKind.SQL) {
                // It waited for a lock, and had no effect yet.
                known.isVoidedWaiting = true;
                continue;
            }
            known.effect = entry;
            if (before != null) {
                throw new Violation("I2: " + session + "#" + id + " took effect at " + before + " and at " + entry);
            }
            Long last = lastOfSession.put(session, id);
            if (last != null && last >= id) {
                throw new Violation("I6: " + session + "#" + id + " after request " + last);
            }
            if (kind != RequestKind.VOID && known.isNotExecuted) {
                throw new Violation("R10: " + entry + " was executed, its client was told that it never is");
            }
            Request request = known.asked;
            if (request == null) {
                throw new Violation("R9: " + entry + " was never asked for by its client");
            }
            if (kind != RequestKind.VOID
                    && (kind != request.kind()
                            || request.transaction() != entry.header().transaction()
                            || !Arrays.equals(request.body(), entry.body()))) {
                throw new Violation("R9: " + entry + " is not what its client asked for: " + request);
            }
            Long wanted = request.previousOrdered();
            if (last != null ? !last.equals(wanted) : wanted != 0) {
                throw new Violation("I6: " + session + "#" + id + " follows " + last + ", its client sent " + wanted
                        + " before it");
            }
        }
        for (Known known : requests.values()) {
            Answer answer = known.answer;
            if (answer == null) {
                continue;
            }
            Entry effect = known.effect;
            Entry bar = known.bar;
            boolean isThere = (effect != null
                            && (effect.identity().equals(answer.entry()) || isAnsweredLater(effect, answer, history)))
                    || (bar != null
                            && bar.identity().equals(answer.entry())
                            && answer.code() == AnswerCode.QUARANTINED);
            if (!isThere) {
                throw new Violation("I1: " + answer + " is not in the history that survived: " + effect);
            }
        }
    }
}
