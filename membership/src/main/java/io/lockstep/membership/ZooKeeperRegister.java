package io.lockstep.membership;

import io.lockstep.wire.Invariant;
import io.lockstep.wire.ProtocolException;
import io.lockstep.wire.View;
import io.lockstep.wire.ViewCodec;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The view register for those who run ZooKeeper already: one znode, written only over the very version that was read.
 * Touched only by the thread of the core that owns it; what ZooKeeper says comes back on that thread through an executor.
 *
 * <p>A read ends with a write of the same bytes, since a ZooKeeper server may answer reads from its own past. A write
 * whose result is lost is found again by its nonce. There are no voters here, so no disks to be named (rule R13): that is
 * the ensemble's own affair.
 */
public final class ZooKeeperRegister implements ViewRegister {
    private static final Logger log = LoggerFactory.getLogger(ZooKeeperRegister.class);

    /** After this time without result the owner is told. */
    static final long PATIENCE_NS = 250_000_000;
    /** Pause after a failure or the second conflict; scattered by half of itself to either side. */
    static final long PAUSE_NS = 20_000_000;
    /** A question without any answer for that long is asked anew; far beyond what the library waits itself. */
    static final long ANSWER_MAX_NS = 5_000_000_000L;

    /** Where the value is. Replies may come on any thread. */
    interface Store {
        /** Expected version of a value that is not there. */
        int ABSENT = -1;

        /** What has become of a question. */
        enum Code {
            DONE,
            /** Of a read: there is no value. Of a write: the version was not the expected one. */
            REFUSED,
            /** The result is unknown. */
            FAILED
        }

        /**
         * An answer.
         *
         * @param bytes of a read that is done: the value
         * @param version of a read that is done: to be expected by a write
         * @param trouble why it failed, for people
         */
        record Reply(Code code, byte[] bytes, int version, String trouble) {}

        void read(Consumer<Reply> done);

        /** Writes if the value has that version still; with {@link #ABSENT}, if there is none. */
        void write(byte[] bytes, int expected, Consumer<Reply> done);

        /** Ends when every read that follows shows all writes that were done before. */
        void catchUp(Consumer<Reply> done);
    }

    private final Store store;
    private final Executor owner;
    private final LongSupplier random;

    /** The change under way; null without one. */
    private @Nullable Attempt attempt;
    /** Counts questions: an answer to another one than the latest is of no interest. */
    private long question;

    private boolean isAsking;
    private long askedNs;
    private long pauseEndNs;
    private long nowNs;

    /**
     * @param store where the value is
     * @param owner runs tasks on the thread that owns this register
     * @param random source of nonces and of the scatter of pauses
     */
    ZooKeeperRegister(Store store, Executor owner, LongSupplier random) {
        this.store = store;
        this.owner = owner;
        this.random = random;
    }

    @Override
    public void change(ViewChange change, Consumer<ViewOutcome> done, long now) {
        Invariant.check(attempt == null, "one change of the view at a time");
        nowNs = now;
        attempt = new Attempt(change, done, random.getAsLong(), now);
        read();
    }

    @Override
    public void cancel() {
        attempt = null;
        isAsking = false;
        question++;
    }

    @Override
    public boolean isBusy() {
        return attempt != null;
    }

    @Override
    public Set<String> strangers() {
        return Set.of();
    }

    @Override
    public Set<String> silent() {
        return Set.of();
    }

    @Override
    public void tick(long now) {
        nowNs = now;
        Attempt present = attempt;
        if (present == null) {
            return;
        }
        if (isAsking && now - askedNs >= ANSWER_MAX_NS) {
            pause(present, "ZooKeeper: no answer for " + ANSWER_MAX_NS / 1_000_000 + " ms");
        } else if (!isAsking && now - pauseEndNs >= 0) {
            read();
        }
        if (now - present.beganNs >= PATIENCE_NS && !present.trouble.equals(present.told)) {
            present.told = present.trouble;
            present.done.accept(new ViewOutcome.Unreachable(present.told));
        }
    }

    // ---- questions and answers --------------------------------------------------------------------------------------

    private void read() {
        ask(store::read, this::onRead);
    }

    private void ask(Consumer<Consumer<Store.Reply>> how, Answered answered) {
        long asked = ++question;
        isAsking = true;
        askedNs = nowNs;
        how.accept(reply -> owner.execute(() -> {
            Attempt present = attempt;
            if (asked == question && present != null) {
                isAsking = false;
                if (reply.code() == Store.Code.FAILED) {
                    pause(present, reply.trouble());
                } else {
                    answered.on(present, reply);
                }
            }
        }));
    }

    private interface Answered {
        void on(Attempt present, Store.Reply reply);
    }

    private void onRead(Attempt present, Store.Reply reply) {
        if (reply.code() == Store.Code.REFUSED) {
            onAbsent(present);
            return;
        }
        try {
            View base = ViewCodec.decode(reply.bytes());
            Optional<String> flaw = Succession.flaw(base);
            if (flaw.isPresent()) {
                pause(present, "ZooKeeper: its value cannot be a view: " + flaw.get());
            } else {
                onValue(present, base, reply.version());
            }
        } catch (ProtocolException e) {
            pause(present, "ZooKeeper: its value cannot be read: " + e.getMessage());
        }
    }

    private void onAbsent(Attempt present) {
        Optional<View> wanted = present.change.apply(Optional.empty());
        if (wanted.isPresent()) {
            Succession.checkFirst(wanted.get());
            View first = present.own(wanted.get());
            write(first, Store.ABSENT, new ViewOutcome.Committed(first));
        } else if (present.isCaughtUp) {
            end(present, new ViewOutcome.Declined(Optional.empty()));
        } else {
            ask(store::catchUp, (same, reply) -> {
                same.isCaughtUp = true;
                read();
            });
        }
    }

    private void onValue(Attempt present, View base, int version) {
        if (base.nonce() == present.nonce) {
            end(present, new ViewOutcome.Committed(base));
            return;
        }
        Optional<View> wanted = present.change.apply(Optional.of(base));
        wanted.ifPresent(view -> Succession.check(base, view));
        boolean isSame = wanted.isEmpty()
                || (wanted.get().active().equals(base.active())
                        && wanted.get().backups().equals(base.backups()));
        if (isSame) {
            write(base, version, new ViewOutcome.Declined(Optional.of(base)));
        } else {
            View next = present.own(wanted.get());
            write(next, version, new ViewOutcome.Committed(next));
        }
    }

    private void write(View view, int expected, ViewOutcome outcome) {
        ask(done -> store.write(ViewCodec.encode(view), expected, done), (present, reply) -> {
            if (reply.code() == Store.Code.DONE) {
                end(present, outcome);
            } else if (++present.conflicts == 1) {
                read();
            } else {
                pause(present, "somebody else changes the view again and again");
            }
        });
    }

    private void pause(Attempt present, String trouble) {
        question++;
        isAsking = false;
        present.isCaughtUp = false; // perhaps another session goes on, which has written nothing yet
        present.trouble = trouble;
        pauseEndNs = nowNs + PAUSE_NS / 2 + Math.floorMod(random.getAsLong(), PAUSE_NS);
    }

    private void end(Attempt present, ViewOutcome outcome) {
        log.debug("view register: {}", outcome);
        cancel();
        present.done.accept(outcome);
    }

    /** A change, over all its questions. */
    private static final class Attempt {
        final ViewChange change;
        final Consumer<ViewOutcome> done;
        /** Marks every value that this change writes. */
        final long nonce;

        final long beganNs;
        /** Whether reads since show everything that was written before the change began. */
        boolean isCaughtUp;

        int conflicts;
        String trouble = "ZooKeeper has not answered yet";
        String told = "";

        Attempt(ViewChange change, Consumer<ViewOutcome> done, long nonce, long beganNs) {
            this.change = change;
            this.done = done;
            this.nonce = nonce;
            this.beganNs = beganNs;
        }

        View own(View view) {
            return new View(view.version(), view.term(), view.active(), view.backups(), List.of(), nonce);
        }
    }
}
