package io.lockstep.tests.simulation;

import io.lockstep.membership.ViewChange;
import io.lockstep.membership.ViewOutcome;
import io.lockstep.membership.ViewRegister;
import io.lockstep.tests.checkers.Promises;
import io.lockstep.wire.View;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** An active's register, which tells the checkers which views are proposed and when their fate is known (R4). */
final class WatchedRegister implements ViewRegister {
    private final ViewRegister register;
    private final View.Member self;
    private final Promises promises;
    private final Supplier<@Nullable View> installed;

    WatchedRegister(ViewRegister register, View.Member self, Promises promises, Supplier<@Nullable View> installed) {
        this.register = register;
        this.self = self;
        this.promises = promises;
        this.installed = installed;
    }

    @Override
    public void change(ViewChange change, Consumer<ViewOutcome> done, long nowNs) {
        View view = installed.get();
        if (view != null) {
            change.apply(Optional.of(view)).ifPresent(next -> promises.proposes(self, next));
        }
        register.change(
                change,
                outcome -> {
                    if (!(outcome instanceof ViewOutcome.Unreachable)) {
                        promises.resolved(self);
                    }
                    done.accept(outcome);
                },
                nowNs);
    }

    @Override
    public void cancel() {
        register.cancel();
    }

    @Override
    public boolean isBusy() {
        return register.isBusy();
    }

    @Override
    public Set<String> strangers() {
        return register.strangers();
    }

    @Override
    public Set<String> silent() {
        return register.silent();
    }

    @Override
    public void tick(long nowNs) {
        register.tick(nowNs);
    }
}
