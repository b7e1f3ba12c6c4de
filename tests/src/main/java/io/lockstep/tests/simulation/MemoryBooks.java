package io.lockstep.tests.simulation;

import io.lockstep.wire.Identity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Books in memory; they travel with a copy of the state by {@link #copy}. Touched only by the schedule's thread. */
final class MemoryBooks implements Books {
    private record Hold(Identity session, long transaction, int account, long amount) {}

    private final long[] balances = new long[ACCOUNTS];
    private final List<Hold> holds = new ArrayList<>();
    private long commits;
    private long digest;
    private long damage;

    MemoryBooks() {
        Arrays.fill(balances, BALANCE);
    }

    MemoryBooks copy() {
        MemoryBooks copy = new MemoryBooks();
        System.arraycopy(balances, 0, copy.balances, 0, ACCOUNTS);
        copy.holds.addAll(holds);
        copy.commits = commits;
        copy.digest = digest;
        copy.damage = damage;
        return copy;
    }

    /** A record changes by itself: whoever reads it sees another one, until {@link #mend}. */
    void corrupt() {
        damage = 1;
    }

    void mend() {
        damage = 0;
    }

    boolean isEqual(MemoryBooks other) {
        return Arrays.equals(balances, other.balances)
                && holds.equals(other.holds)
                && commits == other.commits
                && digest == other.digest
                && damage == other.damage;
    }

    /** Whether something is held for another session than these. */
    boolean holdsForOthersThan(Set<Identity> sessions) {
        return holds.stream().anyMatch(hold -> !sessions.contains(hold.session));
    }

    @Override
    public boolean isHeld(int account) {
        for (Hold hold : holds) {
            if (hold.account == account) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void hold(Identity session, long transaction, int account, long amount) {
        balances[account] -= amount;
        holds.add(new Hold(session, transaction, account, amount));
    }

    @Override
    public void settle(Identity session, long transaction, int to) {
        for (int i = holds.size() - 1; i >= 0; i--) {
            Hold hold = holds.get(i);
            if (hold.transaction == transaction && hold.session.equals(session)) {
                balances[to < 0 ? hold.account : to] += hold.amount;
                holds.remove(i);
            }
        }
    }

    @Override
    public void note(long operation) {
        commits++;
        digest = Books.chain(digest, operation);
    }

    @Override
    public long[] version() {
        return new long[] {commits, digest ^ damage};
    }

    @Override
    public long[] sums() {
        long free = 0;
        for (long balance : balances) {
            free += balance;
        }
        long held = 0;
        for (Hold hold : holds) {
            held += hold.amount;
        }
        return new long[] {free, held};
    }
}
