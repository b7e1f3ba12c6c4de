package io.lockstep.membership;

import io.lockstep.wire.View;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The register that tests tell what to answer, against the contract of the real ones; but a result of it is never lost,
 * so what is to be found then is not asked of it.
 */
class ToldRegisterTest extends ViewRegisterContract {
    private Optional<View> value = Optional.empty();
    private final Set<ViewRegister> waiting = new HashSet<>();
    private boolean isCutOff;

    @Override
    ViewRegister hand() {
        return new ToldRegister(Optional.empty());
    }

    @Override
    void pass(ViewRegister hand) {
        ToldRegister told = (ToldRegister) hand;
        if (isCutOff && waiting.add(hand)) {
            told.cannotBeReached();
        } else if (!isCutOff && told.isBusy()) {
            told.value = value;
            told.answer();
            value = told.value;
        }
    }

    @Override
    void cutOff() {
        isCutOff = true;
    }

    @Override
    void heal() {
        isCutOff = false;
    }

    @Override
    void loseNextResult() {
        throw new UnsupportedOperationException("its results are not lost");
    }

    @Override
    long nowNs() {
        return 0;
    }

    @Override
    void findsItsOwnValueWhenTheResultWasLost() {}

    @Override
    void findsItsOwnFirstValueWhenTheResultWasLost() {}
}
