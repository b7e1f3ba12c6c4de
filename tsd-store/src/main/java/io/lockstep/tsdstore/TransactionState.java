package io.lockstep.tsdstore;

import com.dynatrace.hash4j.hashing.HashStream64;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The values of one transaction's state, by name. Safe from any thread, because it never changes: a change makes
 * another one that shares the values. Names are kept in ascending order, so that equal states have equal digests.
 */
final class TransactionState {
    static final TransactionState EMPTY = new TransactionState(new String[0], new byte[0][]);

    private final String[] names;
    private final byte[][] values;

    private TransactionState(String[] names, byte[][] values) {
        this.names = names;
        this.values = values;
    }

    int size() {
        return names.length;
    }

    String name(int index) {
        return names[index];
    }

    byte[] value(int index) {
        return values[index];
    }

    byte @Nullable [] get(String name) {
        int index = Arrays.binarySearch(names, name);
        return index < 0 ? null : values[index];
    }

    TransactionState with(String name, byte[] value) {
        int index = Arrays.binarySearch(names, name);
        if (index >= 0) {
            byte[][] changed = values.clone();
            changed[index] = value;
            return new TransactionState(names, changed);
        }
        int at = -index - 1;
        String[] moreNames = new String[names.length + 1];
        byte[][] moreValues = new byte[names.length + 1][];
        System.arraycopy(names, 0, moreNames, 0, at);
        System.arraycopy(values, 0, moreValues, 0, at);
        moreNames[at] = name;
        moreValues[at] = value;
        System.arraycopy(names, at, moreNames, at + 1, names.length - at);
        System.arraycopy(values, at, moreValues, at + 1, names.length - at);
        return new TransactionState(moreNames, moreValues);
    }

    TransactionState without(String name) {
        int index = Arrays.binarySearch(names, name);
        if (index < 0) {
            return this;
        }
        String[] fewerNames = new String[names.length - 1];
        byte[][] fewerValues = new byte[names.length - 1][];
        System.arraycopy(names, 0, fewerNames, 0, index);
        System.arraycopy(values, 0, fewerValues, 0, index);
        System.arraycopy(names, index + 1, fewerNames, index, fewerNames.length - index);
        System.arraycopy(values, index + 1, fewerValues, index, fewerNames.length - index);
        return new TransactionState(fewerNames, fewerValues);
    }

    /** Bytes of all names (two per character) and values. */
    long bytes() {
        long bytes = 0;
        for (int i = 0; i < names.length; i++) {
            bytes += 2L * names[i].length() + values[i].length;
        }
        return bytes;
    }

    void digestInto(HashStream64 hash) {
        hash.putInt(names.length);
        for (int i = 0; i < names.length; i++) {
            hash.putString(names[i]).putByteArray(values[i]);
        }
    }
}
