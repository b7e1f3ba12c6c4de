package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlRequest;
import java.util.ArrayList;
import java.util.List;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/** A message on its way through attempts, and how far it has got. Touched only by the lane. */
final class SqlMessage extends Run {
    /** No conflict yet, or no list. */
    static final long NONE = -1;

    final byte[] body;
    final SqlRequest request;
    /** Header time of the first attempt, in nanoseconds: query timeouts count from it. */
    final long firstTimeNs;

    /** Whether what stands beside its action has been applied. */
    boolean isBegun;
    /** Rows of a batch, or statements of a list, that are done and stay done whatever the rest comes to. */
    int done;
    /** Parameters of a list's statements that are done. */
    int parametersDone;
    /** How many changes its transaction had before a list, so many stay when it fails; {@link #NONE} for no list. */
    long changesFound = NONE;
    /** The statement that it executes; null until it is found or parsed, and after a copy. */
    @Nullable SqlStatement statement;
    /** What the first statement of a list came to. */
    @Nullable SqlOutcome first;
    /** Of a batch. */
    long[] counts = new long[0];

    final List<SqlOutcome.Failed> failures = new ArrayList<>();

    @Nullable List<SqlColumn> keyColumns;

    final List<Value[]> keyRows = new ArrayList<>();

    /** Header time of the first conflict of what it is at. */
    long firstConflictNs = NONE;
    /** The table that a lock timeout would name; null when it would name none. */
    @Nullable String lockedTable;
    /** Why it is given up at {@link #giveUpNs}: its lock timeout or its query timeout. */
    boolean isCancelledByTime;

    long giveUpNs = Long.MAX_VALUE;
    /** How it was cut off on the active, where that is known, and is to end here; null: it is executed as it is. */
    @Nullable Remains adopted;

    SqlMessage(long requestId, byte[] body, SqlRequest request, long firstTimeNs) {
        super(requestId);
        this.body = body;
        this.request = request;
        this.firstTimeNs = firstTimeNs;
    }

    /** Whether the statement that comes next is the one that was cut off on the active. */
    boolean isCutHere() {
        Remains remains = adopted;
        return remains != null && remains.cutAt() == done;
    }

    @Override
    String sql() {
        SqlStatement known = statement;
        if (known != null) {
            return shortened(known.sql);
        }
        return request.action() instanceof SqlAction.Execute execute
                ? shortened(execute.sql())
                : request.action() instanceof SqlAction.Batch batch ? shortened(batch.sql()) : "";
    }
}
