package io.lockstep.tests.checkers;

/** Numbers by number, without an object for each: checkers ask for every entry. Touched by one thread. */
final class LongMap {
    /** Given back for a key that is not there; never put. */
    static final long NONE = Long.MIN_VALUE;

    private long[] table = new long[2 * 256];
    private int size;

    private long noneKeyValue = NONE;

    /** The value of a key; {@link #NONE} without one. */
    long get(long key) {
        if (key == NONE) {
            return noneKeyValue;
        }
        int at = place(table, key);
        return table[at] == key && table[at + 1] != 0 ? decoded(table[at + 1]) : NONE;
    }

    /** Puts a value where there is none; gives what was there before, or {@link #NONE}. */
    long putIfAbsent(long key, long value) {
        long before = get(key);
        if (before == NONE) {
            put(key, value);
        }
        return before;
    }

    void put(long key, long value) {
        if (key == NONE) {
            noneKeyValue = value;
            return;
        }
        int at = place(table, key);
        if (table[at + 1] == 0) {
            size++;
        }
        table[at] = key;
        table[at + 1] = encoded(value);
        if (size * 4 > table.length) {
            grow();
        }
    }

    /** Zero says that a place is free, so that what is zero is kept as the one value that is never put. */
    private static long encoded(long value) {
        return value == 0 ? NONE : value;
    }

    private static long decoded(long kept) {
        return kept == NONE ? 0 : kept;
    }

    private static int place(long[] table, long key) {
        int mask = table.length - 2;
        long mixed = key * 0x9E3779B97F4A7C15L;
        int at = (int) (mixed >>> 32) & mask;
        while (table[at + 1] != 0 && table[at] != key) {
            at = (at + 2) & mask;
        }
        return at;
    }

    private void grow() {
        long[] larger = new long[table.length * 2];
        for (int i = 0; i < table.length; i += 2) {
            if (table[i + 1] != 0) {
                int at = place(larger, table[i]);
                larger[at] = table[i];
                larger[at + 1] = table[i + 1];
            }
        }
        table = larger;
    }
}
