package io.lockstep.tsdstore.sql;

import io.lockstep.wire.Identity;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.h2.engine.SessionLocal;
import org.jspecify.annotations.Nullable;

/**
 * One message or read that is at work, and may be ended from outside. Written by whoever works on it, but for {@link
 * #cut} and what {@link RunningStatements#look} counts.
 */
class Run {
    private static final int TEXT_MAX = 200;
    private static final VarHandle EXECUTING;

    static {
        try {
            EXECUTING = MethodHandles.lookup().findVarHandle(Run.class, "executing", SessionLocal.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Null until it has begun. */
    @Nullable Identity session;

    final long requestId;
    /** Time that the client gives it, on the active's clock; 0: none. */
    long timeoutNs;
    /** Why it is to end early; null: it is not. */
    volatile @Nullable CutReason cut;
    /** The H2 session that executes a statement of it now; null between statements. */
    private volatile @Nullable SessionLocal executing;

    // Touched only by whoever looks.
    long seenNs;
    long ranNs;

    Run(long requestId) {
        this.requestId = requestId;
    }

    /** What it executes, for people to read; empty when it does not say. Safe from any thread. */
    String sql() {
        return "";
    }

    static String shortened(@Nullable String sql) {
        if (sql == null) {
            return "";
        }
        return sql.length() <= TEXT_MAX ? sql : sql.substring(0, TEXT_MAX) + " …";
    }

    /** From here on H2 executes for it, until {@link #executed}. */
    void executes(SessionLocal h2) {
        // No fence, which would cost each statement: who cuts it at this very moment looks again.
        EXECUTING.setRelease(this, h2);
    }

    /** H2 executes nothing for it any more; a cancellation that came too late hits nobody else. */
    void executed(SessionLocal h2) {
        executing = null; // before the look at `cut`: whoever sets that looks at this afterwards
        if (cut != null) {
            synchronized (this) {
                H2Fields.forgetCancel(h2);
            }
        }
    }

    /** Ends it, if nothing else ends it yet. Safe from any thread. */
    synchronized void cut(CutReason reason) {
        if (cut == null) {
            cut = reason;
        }
        SessionLocal h2 = executing;
        if (h2 != null) {
            h2.cancel();
        }
    }
}
