package io.lockstep.tsdstore.sql;

import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.function.IntFunction;
import org.h2.engine.IsolationLevel;
import org.h2.engine.SessionLocal;
import org.h2.schema.Sequence;
import org.h2.util.TimeZoneProvider;
import org.h2.value.Value;
import org.h2.value.ValueNull;
import org.h2.value.ValueTimestampTimeZone;
import org.jspecify.annotations.Nullable;

/**
 * What an H2 session keeps beside its transaction and its tables. Immutable; made and applied by whoever owns the session.
 *
 * @param time what the time functions give until the transaction ends; NULL when that is not settled
 * @param variables by name
 * @param currentValues what CURRENT VALUE FOR gives, by the sequence's id
 */
record SessionSettings(
        boolean isAutoCommit,
        int lockTimeoutMillis,
        int queryTimeoutMillis,
        boolean allowsLiterals,
        String schema,
        String @Nullable [] searchPath,
        IsolationLevel isolationLevel,
        String timeZone,
        boolean truncatesLargeLength,
        boolean isBinaryVariable,
        boolean hasOldInformationSchema,
        long @Nullable [] nonKeywords,
        int systemIdentifier,
        Value lastIdentity,
        Value time,
        Map<String, Value> variables,
        Map<Integer, Value> currentValues) {

    static SessionSettings of(SessionLocal session) {
        Map<String, Value> variables = new TreeMap<>();
        for (String name : session.getVariableNames()) {
            variables.put(name, session.getVariable(name));
        }
        Map<Integer, Value> currentValues = new TreeMap<>();
        Map<Sequence, Value> given = H2Internals.currentValues(session);
        if (given != null) {
            given.forEach((sequence, value) -> {
                if (sequence.getDatabase() != null) {
                    currentValues.put(sequence.getId(), value);
                }
            });
        }
        BitSet nonKeywords = session.getNonKeywords();
        String[] searchPath = session.getSchemaSearchPath();
        return new SessionSettings(
                session.getAutoCommit(),
                session.getLockTimeout(),
                session.getQueryTimeout(),
                session.getAllowLiterals(),
                session.getCurrentSchemaName(),
                searchPath == null ? null : searchPath.clone(),
                session.getIsolationLevel(),
                session.currentTimeZone().getId(),
                session.isTruncateLargeLength(),
                session.isVariableBinary(),
                session.isOldInformationSchema(),
                nonKeywords == null ? null : nonKeywords.toLongArray(),
                H2Internals.systemIdentifier(session),
                session.getLastIdentity(),
                H2Fields.timeOf(session),
                variables,
                currentValues);
    }

    /**
     * Makes a fresh session of the same user equal, but for its time.
     *
     * @param sequences finds a sequence by its id
     */
    void applyTo(SessionLocal session, IntFunction<@Nullable Sequence> sequences) {
        session.setIsolationLevel(isolationLevel);
        session.setAutoCommit(isAutoCommit);
        session.setLockTimeout(lockTimeoutMillis);
        session.setQueryTimeout(queryTimeoutMillis);
        session.setAllowLiterals(allowsLiterals);
        session.setCurrentSchemaName(schema);
        session.setSchemaSearchPath(searchPath == null ? null : searchPath.clone());
        session.setTimeZone(TimeZoneProvider.ofId(timeZone));
        session.setTruncateLargeLength(truncatesLargeLength);
        session.setVariableBinary(isBinaryVariable);
        session.setOldInformationSchema(hasOldInformationSchema);
        session.setNonKeywords(nonKeywords == null ? null : BitSet.valueOf(nonKeywords));
        H2Internals.setSystemIdentifier(session, systemIdentifier);
        session.setLastIdentity(lastIdentity);
        variables.forEach(session::setVariable);
        if (!currentValues.isEmpty()) {
            WeakHashMap<Sequence, Value> given = new WeakHashMap<>();
            currentValues.forEach((id, value) -> given.put(found(sequences.apply(id), id), value));
            H2Internals.setCurrentValues(session, given);
        }
    }

    /**
     * Takes over what a statement changes though it is undone: the last identity, variables, what CURRENT VALUE FOR gives.
     *
     * @param sequences finds a sequence by its id
     */
    void adoptBy(SessionLocal session, IntFunction<@Nullable Sequence> sequences) {
        H2Internals.setSystemIdentifier(session, systemIdentifier);
        session.setLastIdentity(lastIdentity);
        for (String name : session.getVariableNames()) {
            if (!variables.containsKey(name)) {
                session.setVariable(name, ValueNull.INSTANCE);
            }
        }
        variables.forEach(session::setVariable);
        WeakHashMap<Sequence, Value> given = new WeakHashMap<>();
        currentValues.forEach((id, value) -> given.put(found(sequences.apply(id), id), value));
        H2Internals.setCurrentValues(session, given);
    }

    /** Makes its time equal; comes last, since a session's own objects are made in transactions of their own. */
    void settleTime(SessionLocal session) {
        if (time instanceof ValueTimestampTimeZone settled) {
            H2Fields.setTime(session, settled);
        }
    }

    private static Sequence found(@Nullable Sequence sequence, int id) {
        if (sequence == null) {
            throw new IllegalArgumentException("a value of a sequence that is not in the copy: " + id);
        }
        return sequence;
    }

    void write(StateWriter out, ValueWriter values) {
        out.putByte(isAutoCommit ? 1 : 0);
        out.putInt(lockTimeoutMillis);
        out.putInt(queryTimeoutMillis);
        out.putByte(allowsLiterals ? 1 : 0);
        out.putString(schema);
        out.putInt(searchPath == null ? -1 : searchPath.length);
        for (String each : searchPath == null ? new String[0] : searchPath) {
            out.putString(each);
        }
        out.putByte(isolationLevel.ordinal());
        out.putString(timeZone);
        out.putByte(truncatesLargeLength ? 1 : 0);
        out.putByte(isBinaryVariable ? 1 : 0);
        out.putByte(hasOldInformationSchema ? 1 : 0);
        out.putInt(nonKeywords == null ? -1 : nonKeywords.length);
        for (long each : nonKeywords == null ? new long[0] : nonKeywords) {
            out.putLong(each);
        }
        out.putInt(systemIdentifier);
        out.putBytes(values.clear().put(lastIdentity).toBytes());
        out.putBytes(values.clear().put(time).toBytes());
        out.putInt(variables.size());
        variables.forEach((name, value) -> {
            out.putString(name);
            out.putBytes(values.clear().put(value).toBytes());
        });
        out.putInt(currentValues.size());
        currentValues.forEach((id, value) -> {
            out.putInt(id);
            out.putBytes(values.clear().put(value).toBytes());
        });
    }

    static SessionSettings read(StateReader in, ValueReader values) {
        boolean isAutoCommit = in.getByte() == 1;
        int lockTimeoutMillis = in.getInt();
        int queryTimeoutMillis = in.getInt();
        boolean allowsLiterals = in.getByte() == 1;
        String schema = in.getString();
        int paths = in.getInt();
        List<String> path = new ArrayList<>();
        for (int i = 0; i < paths; i++) {
            path.add(in.getString());
        }
        IsolationLevel isolationLevel = IsolationLevel.values()[in.getByte()];
        String timeZone = in.getString();
        boolean truncatesLargeLength = in.getByte() == 1;
        boolean isBinaryVariable = in.getByte() == 1;
        boolean hasOldInformationSchema = in.getByte() == 1;
        int words = in.getInt();
        long[] bits = new long[Math.max(words, 0)];
        for (int i = 0; i < words; i++) {
            bits[i] = in.getLong();
        }
        int systemIdentifier = in.getInt();
        Value lastIdentity = value(in, values);
        Value time = value(in, values);
        Map<String, Value> variables = new TreeMap<>();
        for (int left = in.getInt(); left > 0; left--) {
            String name = in.getString();
            variables.put(name, value(in, values));
        }
        Map<Integer, Value> currentValues = new TreeMap<>();
        for (int left = in.getInt(); left > 0; left--) {
            int id = in.getInt();
            currentValues.put(id, value(in, values));
        }
        return new SessionSettings(
                isAutoCommit,
                lockTimeoutMillis,
                queryTimeoutMillis,
                allowsLiterals,
                schema,
                paths < 0 ? null : path.toArray(new String[0]),
                isolationLevel,
                timeZone,
                truncatesLargeLength,
                isBinaryVariable,
                hasOldInformationSchema,
                words < 0 ? null : bits,
                systemIdentifier,
                lastIdentity,
                time,
                variables,
                currentValues);
    }

    private static Value value(StateReader in, ValueReader values) {
        Value value = values.value(ByteBuffer.wrap(in.getBytes()));
        return value == null ? ValueNull.INSTANCE : value;
    }
}
