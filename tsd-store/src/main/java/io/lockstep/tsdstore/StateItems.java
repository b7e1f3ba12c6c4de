package io.lockstep.tsdstore;

import com.dynatrace.hash4j.hashing.HashStream64;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Walks a whole state, item by item, in the one order that copies and digests share. Touched by one thread at a time. */
final class StateItems implements AutoCloseable {
    private static final int FORMAT = 2;
    private static final int DIGEST_BATCH_BYTES = 64 << 10;

    private final StoreState.Snapshot state;
    private final Records.Snapshot records;
    private final String service;
    private final String recordsKind;
    private final TsdStoreConfig config;
    /** What comes next: 0 the head, then session by session, then effects, then records. */
    private boolean isHeadWritten;

    private int session;
    /** Within the session: -1 itself, then its answers, then its transactions. */
    private int inSession = -1;

    private int effect;

    StateItems(
            StoreState.Snapshot state,
            Records.Snapshot records,
            String service,
            String recordsKind,
            TsdStoreConfig config) {
        this.state = state;
        this.records = records;
        this.service = service;
        this.recordsKind = recordsKind;
        this.config = config;
    }

    /** Digest over all items; closes them. */
    static long digest(StateItems all) {
        HashStream64 hash = Digests.start();
        StateWriter out = new StateWriter();
        try (StateItems items = all) {
            while (items.writeNext(out)) {
                if (out.size() >= DIGEST_BATCH_BYTES) {
                    hash.putBytes(out.buffer(), 0, out.size());
                    out.drop(out.size());
                }
            }
        }
        return hash.putBytes(out.buffer(), 0, out.size()).getAsLong();
    }

    /** Writes one or a few items; false when there are no more and nothing was written. */
    boolean writeNext(StateWriter out) {
        if (!isHeadWritten) {
            writeHead(out);
            isHeadWritten = true;
            return true;
        }
        if (session < state.sessions().size()) {
            writeOfSession(out, state.sessions().get(session));
            return true;
        }
        if (effect < state.effects().size()) {
            writeEffect(out, state.effects().get(effect++));
            return true;
        }
        return records.writeNext(out);
    }

    @Override
    public void close() {
        records.close();
    }

    private void writeHead(StateWriter out) {
        out.begin(StateTag.HEAD);
        out.putInt(FORMAT);
        out.putString(service);
        out.putString(recordsKind);
        out.putLong(config.sessionIdle().toNanos());
        out.putLong(config.transactionIdle().toNanos());
        out.putIdentity(state.last());
        out.putLong(state.chain());
        out.putLong(state.lastTimeNs());
        MarkedRequest marked = state.marked();
        out.putByte(marked == null ? 0 : 1);
        if (marked != null) {
            out.putIdentity(marked.session());
            out.putLong(marked.requestId());
        }
        out.end();
        for (int i = 0; i < state.terms().length; i += 2) {
            out.begin(StateTag.TERM);
            out.putLong(state.terms()[i]);
            out.putLong(state.terms()[i + 1]);
            out.end();
        }
    }

    private void writeOfSession(StateWriter out, StoreState.SessionSnapshot from) {
        List<StoreState.TransactionSnapshot> open = from.transactions();
        if (inSession < 0) {
            writeSession(out, from);
        } else if (inSession < from.retained().length) {
            writeRetained(out, from.retained()[inSession]);
        } else {
            writeTransaction(out, open.get(inSession - from.retained().length));
        }
        if (++inSession == from.retained().length + open.size()) {
            inSession = -1;
            session++;
        }
    }

    private static void writeSession(StateWriter out, StoreState.SessionSnapshot from) {
        out.begin(StateTag.SESSION);
        out.putIdentity(from.name());
        out.putLong(from.nonce());
        out.putInt(from.attach());
        out.putLong(from.lastOrdered());
        out.putLong(from.prunedUpTo());
        out.putLong(from.lastActivityNs());
        out.putLong(from.waitingRequest());
        out.putLong(from.waitingContent());
        out.end();
    }

    private static void writeRetained(StateWriter out, RetainedAnswers.Retained from) {
        out.begin(StateTag.RETAINED);
        out.putLong(from.requestId());
        out.putByte(from.code().code());
        out.putIdentity(from.entry());
        out.putLong(from.contentDigest());
        out.putBytes(from.body());
        out.end();
    }

    private static void writeTransaction(StateWriter out, StoreState.TransactionSnapshot from) {
        out.begin(StateTag.TRANSACTION);
        out.putLong(from.id());
        out.putLong(from.lastActivityNs());
        out.putLong(from.idleNs());
        out.putInt(from.state().size());
        for (int i = 0; i < from.state().size(); i++) {
            out.putString(from.state().name(i));
            out.putBytes(from.state().value(i));
        }
        out.end();
    }

    private static void writeEffect(StateWriter out, PendingEffect from) {
        out.begin(StateTag.EFFECT);
        out.putIdentity(from.key().session());
        out.putLong(from.key().requestId());
        out.putInt(from.key().ordinal());
        out.putString(from.effect().name());
        out.putBytes(from.effect().payload());
        out.putByte(from.effect().isAtMostOnce() ? 1 : 0);
        out.putLong(from.position());
        out.putByte(from.isStarted() ? 1 : 0);
        out.end();
    }

    /** Counterpart of what is written here: puts items of a copy into a state. */
    static final class Installer {
        private final StoreState state;
        private final String service;
        private final String recordsKind;
        private final TsdStoreConfig config;
        private final Map<String, String> names = new HashMap<>();
        private @Nullable Session session;

        Installer(StoreState state, String service, String recordsKind, TsdStoreConfig config) {
            this.state = state;
            this.service = service;
            this.recordsKind = recordsKind;
            this.config = config;
        }

        void install(StateTag tag, StateReader in) throws CopyBrokenException {
            switch (tag) {
                case HEAD -> readHead(in);
                case TERM -> state.terms.add(in.getLong(), in.getLong());
                case SESSION -> readSession(in);
                case RETAINED -> readRetained(in);
                case TRANSACTION -> readTransaction(in);
                case EFFECT -> readEffect(in);
                default -> throw new CopyBrokenException("out of place: " + tag);
            }
        }

        private void readHead(StateReader in) throws CopyBrokenException {
            requireSame("format", FORMAT, in.getInt());
            requireSame("service", service, in.getString());
            requireSame("records", recordsKind, in.getString());
            requireSame("sessionIdle", config.sessionIdle().toNanos(), in.getLong());
            requireSame("transactionIdle", config.transactionIdle().toNanos(), in.getLong());
            state.last = in.getIdentity();
            state.chain = in.getLong();
            state.lastTimeNs = in.getLong();
            if (in.getByte() == 1) {
                state.marked = new MarkedRequest(in.getIdentity(), in.getLong());
            }
        }

        private static void requireSame(String what, Object ours, Object theirs) throws CopyBrokenException {
            if (!ours.equals(theirs)) {
                throw new CopyBrokenException(
                        what + " is " + ours + " here and " + theirs + " where the copy was made; make them equal");
            }
        }

        private void readSession(StateReader in) {
            Session read = new Session(
                    in.getIdentity(),
                    in.getLong(),
                    in.getInt(),
                    0,
                    config.sessionIdle().toNanos());
            read.lastOrdered = in.getLong();
            read.prunedUpTo = in.getLong();
            read.lastActivityNs = in.getLong();
            read.waitingRequest = in.getLong();
            read.waitingContent = in.getLong();
            state.add(read);
            session = read;
        }

        private Session session() throws CopyBrokenException {
            if (session == null) {
                throw new CopyBrokenException("an answer or a transaction comes before its session");
            }
            return session;
        }

        private void readRetained(StateReader in) throws CopyBrokenException {
            long requestId = in.getLong();
            AnswerCode code = AnswerCode.of(in.getByte());
            Identity entry = in.getIdentity();
            long contentDigest = in.getLong();
            session().retained.add(new RetainedAnswers.Retained(requestId, code, in.getBytes(), entry, contentDigest));
        }

        private void readTransaction(StateReader in) throws CopyBrokenException {
            long id = in.getLong();
            long lastActivityNs = in.getLong();
            long idleNs = in.getLong();
            TransactionState values = TransactionState.EMPTY;
            for (int left = in.getInt(); left > 0; left--) {
                String name = in.getString();
                values = values.with(names.computeIfAbsent(name, same -> same), in.getBytes());
            }
            state.add(new OpenTransaction(session(), id, values, lastActivityNs, idleNs));
        }

        private void readEffect(StateReader in) {
            EffectRunner.Key key = new EffectRunner.Key(in.getIdentity(), in.getLong(), in.getInt());
            OutsideEffect asked = new OutsideEffect(in.getString(), in.getBytes(), in.getByte() == 1);
            state.add(new PendingEffect(key, asked, in.getLong(), in.getByte() == 1));
        }
    }
}
