package io.lockstep.activenode;

import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;

/** Plays one client's session: counts its ids. */
final class Asking {
    private final Identity session;
    private long last;

    Asking(Identity session) {
        this.session = session;
    }

    static Request open(long nonce) {
        return new Request(
                Identity.provisional(nonce), 1, 0, RequestKind.OPEN, 0, 0, 0, Identity.NONE, 1000, false, new byte[0]);
    }

    Request begin(String body) {
        return ordered(RequestKind.BEGIN, 0, body);
    }

    Request go(long transaction, String body) {
        return ordered(RequestKind.CONTINUE, transaction, body);
    }

    Request touch() {
        return ordered(RequestKind.TOUCH, 0, "");
    }

    Request ordered(RequestKind kind, long transaction, String body) {
        long previous = last++;
        return request(last, kind, transaction, previous, body);
    }

    Request read(String question) {
        return request(last + 1, RequestKind.READ, 0, last, question);
    }

    Request request(long id, RequestKind kind, long transaction, long previous, String body) {
        return new Request(
                session, 1, id, kind, transaction, 0, previous, Identity.NONE, 1000, false, TallyService.bytes(body));
    }
}
