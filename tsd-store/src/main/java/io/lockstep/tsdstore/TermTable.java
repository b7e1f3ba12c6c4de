package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import java.util.Arrays;

/**
 * First position of each term: with the last position it tells which identities the log has. Touched only by the lane.
 * Bounded: of more than 65,536 terms the oldest are forgotten, and then count as never seen.
 */
final class TermTable {
    private static final int TERMS_MAX = 65_536;

    private long[] terms = new long[4];
    private long[] firstPositions = new long[4];
    private int size;

    void add(long term, long firstPosition) {
        Invariant.check(size == 0 || terms[size - 1] < term, "term does not rise", term, size);
        if (size == TERMS_MAX) {
            System.arraycopy(terms, 1, terms, 0, size - 1);
            System.arraycopy(firstPositions, 1, firstPositions, 0, size - 1);
            size--;
        }
        if (size == terms.length) {
            terms = Arrays.copyOf(terms, size * 2);
            firstPositions = Arrays.copyOf(firstPositions, size * 2);
        }
        terms[size] = term;
        firstPositions[size] = firstPosition;
        size++;
    }

    int size() {
        return size;
    }

    long term(int index) {
        return terms[index];
    }

    long firstPosition(int index) {
        return firstPositions[index];
    }

    /** Whether the log that ends at {@code last} has that entry. */
    boolean has(Identity identity, Identity last) {
        if (identity.equals(Identity.NONE)) {
            return true;
        }
        int index = Arrays.binarySearch(terms, 0, size, identity.term());
        if (index < 0 || identity.position() < firstPositions[index]) {
            return false;
        }
        long end = index + 1 < size ? firstPositions[index + 1] - 1 : last.position();
        return identity.position() <= end;
    }
}
