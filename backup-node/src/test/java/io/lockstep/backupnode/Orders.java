package io.lockstep.backupnode;

import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.List;

/** Plays the active that orders: real entries of a real store, by position. */
final class Orders {
    final TsdStore store = TsdStore.create(new TallyService(), new NoRecords(), TsdStoreConfig.defaults());
    private final List<Entry> entries = new ArrayList<>();
    private Identity session = Identity.NONE;
    private long term;
    private long requestId;

    /** Begins a reign. */
    Orders reign(long newTerm) {
        term = newTerm;
        add(RequestKind.VIEW, Identity.NONE, 0, new byte[0]);
        return this;
    }

    /** Orders that many messages; the very first opens the session. */
    Orders messages(int count) {
        for (int i = 0; i < count; i++) {
            if (session.equals(Identity.NONE)) {
                session = add(RequestKind.OPEN, Identity.provisional(7), 0, new byte[0])
                        .identity();
            } else {
                add(RequestKind.BEGIN, session, ++requestId, new byte[] {1, (byte) term});
            }
        }
        return this;
    }

    /** Orders the end of a transaction's time, or with 0 the session's. */
    Orders expires(long transaction) {
        RequestKind kind = transaction == 0 ? RequestKind.EXPIRE_SESSION : RequestKind.EXPIRE;
        add(kind, session, 0, transaction, new byte[0]);
        return this;
    }

    private Entry add(RequestKind kind, Identity of, long id, byte[] body) {
        return add(kind, of, id, 0, body);
    }

    private Entry add(RequestKind kind, Identity of, long id, long transaction, byte[] body) {
        long position = store.last().position() + 1;
        Entry entry = store.execute(
                        new ControlHeader(
                                term, position, of, id, kind, 1, transaction, 0, 1_000 + position, 31 * position),
                        body,
                        Decision.EXECUTE)
                .entry();
        entries.add(entry);
        return entry;
    }

    Entry at(long position) {
        return entries.get((int) position - 1);
    }

    List<Entry> range(long from, long to) {
        return List.copyOf(entries.subList((int) from - 1, (int) to));
    }

    /** The same orders up to a position, by another active that goes on differently. */
    Orders forkAfter(long position) throws Exception {
        Orders fork = new Orders();
        for (Entry entry : range(1, position)) {
            fork.store.apply(entry);
            fork.entries.add(entry);
            fork.term = entry.header().term();
            if (entry.header().kind() == RequestKind.OPEN) {
                fork.session = entry.identity();
            }
            fork.requestId = Math.max(fork.requestId, entry.header().requestId());
        }
        return fork;
    }
}
