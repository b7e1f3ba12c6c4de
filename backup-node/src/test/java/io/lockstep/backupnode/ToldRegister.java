package io.lockstep.backupnode;

import io.lockstep.membership.ViewChange;
import io.lockstep.membership.ViewOutcome;
import io.lockstep.membership.ViewRegister;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A register of one value, which answers when it is told to. */
final class ToldRegister implements ViewRegister {
    Optional<View> value;
    final Set<String> strangers = new TreeSet<>();
    private @Nullable ViewChange change;
    private @Nullable Consumer<ViewOutcome> done;

    ToldRegister(Optional<View> value) {
        this.value = value;
    }

    /** What the change under way would make of the present value; empty when it would leave it. */
    Optional<View> wanted() {
        return Objects.requireNonNull(change).apply(value);
    }

    /** A full round shows its result. */
    void answer() {
        Optional<View> next = wanted();
        Consumer<ViewOutcome> owner = Objects.requireNonNull(done);
        cancel();
        if (next.isPresent()) {
            value = next;
            owner.accept(new ViewOutcome.Committed(next.get()));
        } else {
            owner.accept(new ViewOutcome.Declined(value));
        }
    }

    /** Too few voters answer; it goes on trying. */
    void cannotBeReached() {
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
    public void tick(long nowNs) {}
}
