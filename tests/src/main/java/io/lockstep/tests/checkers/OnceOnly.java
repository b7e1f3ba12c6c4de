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
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * I2, I3, I6 and R9: each request takes effect at most once, as its client sent it, in the order of its session; the same
 * request always gets the same answer.
 */
final class OnceOnly {
    private record Key(Identity session, long requestId) {}

    private final Map<Key, Request> asked = new HashMap<>();
    private final Map<Key, Answer> answers = new HashMap<>();
    private final Set<Key> notExecuted = new HashSet<>();

    /** A client sent a copy; the first one says what the request is. */
    void asked(Request request) {
        if (request.kind() != RequestKind.VOID) {
            asked.putIfAbsent(new Key(request.session(), request.requestId()), request);
        }
    }

    /** A gate let an answer go. */
    void answered(Answer answer) {
        if (!answer.code().isOrdered()
                || answer.requestId() == 0
                || answer.entry().equals(Identity.NONE)) {
            return;
        }
        Answer first = answers.putIfAbsent(new Key(answer.session(), answer.requestId()), answer);
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
        notExecuted.add(new Key(session, requestId));
    }

    /** The history that survived. */
    void survived(History history) {
        Map<Key, Entry> effects = new HashMap<>();
        Map<Key, Entry> barred = new HashMap<>();
        Map<Identity, Long> lastOfSession = new HashMap<>();
        for (Entry entry : history.entries()) {
            RequestKind kind = entry.header().kind();
            if (!kind.isFromClient() || entry.header().requestId() == 0) {
                continue;
            }
            Key key = new Key(entry.header().session(), entry.header().requestId());
            if (entry.decision() == Decision.QUARANTINE) {
                // Bars the message; the message itself may still take its place in the session, without effect.
                barred.put(key, entry);
                continue;
            }
            Entry before = effects.put(key, entry);
            if (before != null) {
                throw new Violation("I2: " + key + " took effect at " + before + " and at " + entry);
            }
            Long last = lastOfSession.put(key.session, key.requestId);
            if (last != null && last >= key.requestId) {
                throw new Violation("I6: " + key + " after request " + last);
            }
            if (kind != RequestKind.VOID && notExecuted.contains(key)) {
                throw new Violation("R10: " + entry + " was executed, its client was told that it never is");
            }
            Request request = asked.get(key);
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
                throw new Violation("I6: " + key + " follows " + last + ", its client sent " + wanted + " before it");
            }
        }
        answers.forEach((key, answer) -> {
            Entry effect = effects.get(key);
            Entry bar = barred.get(key);
            boolean isThere = (effect != null && effect.identity().equals(answer.entry()))
                    || (bar != null
                            && bar.identity().equals(answer.entry())
                            && answer.code() == AnswerCode.QUARANTINED);
            if (!isThere) {
                throw new Violation("I1: " + answer + " is not in the history that survived: " + effect);
            }
        });
    }
}
