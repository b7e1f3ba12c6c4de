package io.lockstep.membership;

import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A register of one value, which answers when it is told to. Touched only by the test's thread; it passes the contract
 * of all registers.
 */
public final class ToldRegister implements ViewRegister {
    public Optional<View> value;
    public final Set<String> strangers = new TreeSet<>();
    public final Set<String> silent = new TreeSet<>();
    private @Nullable ViewChange change;
    private @Nullable Consumer<ViewOutcome> done;

    public ToldRegister(Optional<View> value) {
        this.value = value;
    }

    /** What the change under way would make of the present value; empty when it would leave it. */
    public Optional<View> wanted() {
        return Objects.requireNonNull(change).apply(value);
    }

    /** A full round shows its result. */
    public void answer() {
        Optional<View> next = wanted();
        next.ifPresent(view -> checkSuccession(value, view));
        Consumer<ViewOutcome> owner = Objects.requireNonNull(done);
        cancel();
        if (next.isPresent() && !isSame(value, next.get())) {
            value = next;
            owner.accept(new ViewOutcome.Committed(next.get()));
        } else {
            owner.accept(new ViewOutcome.Declined(value));
        }
    }

    private boolean isSame(Optional<View> base, View next) {
        return strangers.isEmpty()
                && base.isPresent()
                && base.get().active().equals(next.active())
                && base.get().backups().equals(next.backups());
    }

    private static void checkSuccession(Optional<View> base, View next) {
        long version = base.map(View::version).orElse(0L);
        long term = base.map(View::term).orElse(0L);
        boolean goesOn = base.isPresent() && base.get().active().equals(next.active());
        Invariant.check(next.version() == version + 1, "view version", version, next.version());
        Invariant.check(next.term() == (goesOn ? term : term + 1), "term of the next view", term, next.term());
        Invariant.check(!next.hasBackup(next.active()), "the active is not its own backup");
    }

    /** Too few voters answer; it goes on trying. */
    public void cannotBeReached() {
        Objects.requireNonNull(done).accept(new ViewOutcome.Unreachable("waiting for voters"));
    }

    @Override
    public void change(ViewChange wantedChange, Consumer<ViewOutcome> owner, long nowNs) {
        Invariant.check(!isBusy(), "one change of the view at a time");
        change = wantedChange;
        done = owner;
    }

    @Override
    public void cancel() {
        change = null;
        done = null;
    }

    @Override
    public boolean isBusy() {
        return change != null;
    }

    @Override
    public Set<String> strangers() {
        return strangers;
    }

    @Override
    public Set<String> silent() {
        return silent;
    }

    @Override
    public void tick(long nowNs) {}
}
