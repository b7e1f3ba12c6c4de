package io.lockstep.tsdstore.sql;

import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Set;
import java.util.function.Supplier;
import org.h2.api.DatabaseEventListener;
import org.h2.api.ErrorCode;
import org.h2.command.Command;
import org.h2.command.Prepared;
import org.h2.command.dml.Call;
import org.h2.command.dml.DataChangeStatement;
import org.h2.command.dml.Explain;
import org.h2.command.dml.SetSessionCharacteristics;
import org.h2.command.dml.SetTypes;
import org.h2.command.dml.TransactionCommand;
import org.h2.command.query.ForUpdate;
import org.h2.command.query.Query;
import org.h2.engine.Database;
import org.h2.engine.Session;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcException;
import org.h2.message.DbException;
import org.h2.table.Table;
import org.jspecify.annotations.Nullable;

/**
 * What the operator's classes may do while H2 calls them, as functions, aggregates and triggers: they have a connection of
 * the session that called them, and speak through it with H2 itself, which knows nothing of lanes. Safe from any thread,
 * because each knows its own turns only.
 *
 * <p>H2 tells its listener of each statement before it runs, of its end, and of its failure. So each nested statement is
 * judged; one that met a lock is not tried again by H2, which would undo nothing of its first try; and what a class was
 * refused, or met, counts though the class may have caught it.
 */
final class UserCode implements DatabaseEventListener {
    /** The innermost turn of each thread. */
    private static final ThreadLocal<@Nullable Turn> TURNS = new ThreadLocal<>();

    private final Set<String> classes;
    private final Table lock;

    /** @param classes which may be called; with none this does nothing and costs nothing */
    UserCode(Database database, Set<String> classes) {
        this.classes = classes;
        this.lock = H2Fields.nobodysTable(database);
        if (!classes.isEmpty()) {
            H2Fields.allowClasses(classes);
            database.setEventListener(this);
        }
    }

    /** What the operator allows. */
    Set<String> classes() {
        return classes;
    }

    // ---- turns -----------------------------------------------------------------------------------------------------

    /**
     * Does what may call classes that have nothing to do but read: prepares a statement, executes one beside the lane, or
     * makes a trigger.
     *
     * @param command that is executed; null when none is
     * @throws DbException it fails, or a class did more than read
     */
    <T> T reading(SessionLocal h2, @Nullable Command command, Supplier<T> work) {
        if (classes.isEmpty()) {
            return work.get();
        }
        Turn turn = new Turn(h2, command, false, true, null);
        try {
            T done = work.get();
            turn.check();
            return done;
        } catch (RuntimeException | Error e) {
            throw turn.failure(e);
        } finally {
            turn.end();
        }
    }

    /**
     * From here on, until its end, a statement of the lane is executed.
     *
     * @param isTransactional whether what it does can be undone; otherwise classes may only read
     * @param message may be cut off meanwhile; null: nothing cuts it off
     * @return null where there are no classes
     */
    @Nullable Turn begin(SessionLocal h2, Command command, boolean isTransactional, @Nullable SqlMessage message) {
        if (classes.isEmpty()) {
            return null;
        }
        return new Turn(h2, command, isTransactional, isTransactional && !isAboutTransactions(command), message);
    }

    /** Such a statement ends its transaction itself or switches autocommit, and calls nobody. */
    private static boolean isAboutTransactions(@Nullable Command command) {
        Prepared prepared = command == null ? null : H2Fields.prepared(command);
        return prepared instanceof TransactionCommand || prepared instanceof SetSessionCharacteristics;
    }

    private static final String JDBC = "org.h2.jdbc.";

    /** One statement of a class that has begun and not ended. */
    private record Nested(String sql, @Nullable Command command, SessionLocal.Savepoint before) {}

    /**
     * A time in which H2 may call classes on this thread. They cannot end the transaction: COMMIT is none of the statements that
     * they may execute, and H2 refuses it while it has been told so, and something is locked; which it is not told where it
     * must commit itself, within a definition. Nor can they close the session, since H2 fails to close a connection that
     * it has made itself.
     */
    final class Turn {
        private final SessionLocal h2;
        private final @Nullable Command outer;
        private final boolean mayChange;
        private final @Nullable SqlMessage message;
        private final @Nullable Turn previous;

        private final boolean isGuarded;
        private final boolean isAboutTransactions;
        private final boolean wasAutoCommit;
        private final boolean wasDisabled;
        private final boolean wasLocked;

        private final Deque<Nested> nested = new ArrayDeque<>();
        private boolean isOuterBegun;
        private boolean isEnded;
        /** A lock that a nested statement met. */
        private @Nullable DbException locked;
        /** What a class was refused. */
        private @Nullable DbException refused;
        /** A nested statement was ended from outside, whatever the class made of that. */
        private boolean isCancelled;

        /** @param isGuarded whether H2 itself commits nothing meanwhile */
        Turn(
                SessionLocal h2,
                @Nullable Command outer,
                boolean mayChange,
                boolean isGuarded,
                @Nullable SqlMessage message) {
            this.h2 = h2;
            this.outer = outer;
            this.mayChange = mayChange;
            this.isGuarded = isGuarded;
            this.isAboutTransactions = isAboutTransactions(outer);
            this.message = message;
            this.previous = TURNS.get();
            this.wasAutoCommit = h2.getAutoCommit();
            this.wasDisabled = isGuarded && h2.setCommitOrRollbackDisabled(true);
            this.wasLocked = !isGuarded || H2Fields.locks(h2).contains(lock);
            if (!wasLocked) {
                H2Fields.locks(h2).add(lock);
            }
            if (!isAboutTransactions) {
                h2.setAutoCommit(false);
            }
            TURNS.set(this);
        }

        /** Ends it, once. */
        void end() {
            if (isEnded) {
                return;
            }
            isEnded = true;
            TURNS.set(previous);
            if (!wasLocked) {
                H2Fields.locks(h2).remove(lock);
            }
            if (isGuarded) {
                h2.setCommitOrRollbackDisabled(wasDisabled);
            }
            if (!isAboutTransactions) {
                h2.setAutoCommit(wasAutoCommit);
            }
        }

        /** @throws DbException what a class has done, or met, though it may not have said so */
        void check() {
            DbException hidden = hidden();
            if (hidden != null) {
                throw hidden;
            }
        }

        private @Nullable DbException hidden() {
            if (isCancelled && isCut()) {
                return DbException.get(ErrorCode.STATEMENT_WAS_CANCELED);
            }
            return locked != null ? locked : refused;
        }

        /** What a failure comes to. @throws Error it is none of a class */
        RuntimeException failure(Throwable failure) {
            DbException hidden = hidden();
            if (hidden != null && !(failure instanceof VirtualMachineError)) {
                return hidden;
            }
            if (failure instanceof DbException told) {
                // Such a code says something of this node, unless a class has thrown it.
                return SqlErrors.isOfNode(told) && !(told.getSQLException() instanceof JdbcException)
                        ? DbException.get(ErrorCode.EXCEPTION_IN_FUNCTION_1, told.toString())
                        : told;
            }
            if (!(failure instanceof VirtualMachineError) && isOfClass(failure)) {
                // H2's own words for what a class throws; of aggregates H2 tells it as it is.
                return DbException.get(ErrorCode.EXCEPTION_IN_FUNCTION_1, failure, failure.toString());
            }
            if (failure instanceof Error error) {
                throw error;
            }
            return (RuntimeException) failure;
        }

        private boolean isCut() {
            return message != null && message.adopted == null && message.cut != null;
        }

        // ---- nested statements -------------------------------------------------------------------------------------

        private void started(String sql) {
            Command command = h2.getCurrentCommand();
            if (command != null && command == outer && !isOuterBegun) {
                isOuterBegun = true;
                return;
            }
            if (isCut()) {
                isCancelled = true;
            }
            DbException hidden = hidden();
            if (hidden != null) {
                throw sneaky(new Refused(hidden));
            }
            for (Nested each : nested) {
                // One that calls itself has a command of its own; within one that is tried again others may have ended.
                if (isSame(each.sql, sql) && (command == null || command == each.command)) {
                    throw sneaky(new Refused(triedAgain(each)));
                }
            }
            try {
                judge(sql, command);
            } catch (DbException e) {
                if (!mayChange && isOfH2()) {
                    return;
                }
                refused = e;
                throw sneaky(new Refused(e));
            }
            nested.push(new Nested(sql, command, h2.setSavepoint()));
        }

        /** Whether it is a part of what H2 itself makes of a definition: classes have nothing but JDBC. */
        private static boolean isOfH2() {
            return StackWalker.getInstance()
                    .walk(frames -> frames.noneMatch(each -> each.getClassName().startsWith(JDBC)));
        }

        private void judge(String sql, @Nullable Command command) {
            Prepared prepared = command == null ? null : H2Fields.prepared(command);
            if (command == null || prepared == null) {
                throw SqlErrors.refused("a text that H2 takes for several statements: " + sql);
            }
            StatementPolicy.judge(h2, sql);
            if (!mayChange) {
                if (!StatementPolicy.isRead(h2, sql, command)) {
                    throw SqlErrors.refused("a statement that may change something, within a function or trigger while"
                            + " another statement is prepared, is a definition, or only reads: " + sql);
                }
                return;
            }
            StatementPolicy.judge(command, prepared, true, Set.of());
            boolean isVariable =
                    prepared instanceof org.h2.command.dml.Set set && H2Fields.typeOf(set) == SetTypes.VARIABLE;
            if (!isVariable
                    && !(prepared instanceof Query)
                    && !(prepared instanceof DataChangeStatement)
                    && !(prepared instanceof Call)
                    && !(prepared instanceof Explain)) {
                throw SqlErrors.refused("a statement that is neither a query nor a change of rows, within a function or"
                        + " trigger: " + sql);
            }
            if (prepared instanceof Query query
                    && query.getForUpdate() != null
                    && query.getForUpdate().getType() == ForUpdate.Type.WAIT) {
                query.setForUpdate(ForUpdate.DEFAULT);
            }
        }

        /** H2 does it for a lock only. What is behind that it does not tell, so it is found out here. */
        private DbException triedAgain(Nested again) {
            h2.rollbackTo(again.before);
            DbException met = DbException.get(ErrorCode.LOCK_TIMEOUT_1, "");
            Command command = again.command;
            Prepared prepared = command == null ? null : H2Fields.prepared(command);
            if (prepared != null) {
                try {
                    if (prepared.isQuery()) {
                        prepared.query(0);
                    } else {
                        prepared.update();
                    }
                } catch (DbException e) {
                    met = e;
                }
            }
            DbException known = locked;
            if (known == null) {
                locked = met;
                return met;
            }
            return known;
        }

        private void ended(String sql) {
            Iterator<Nested> latest = nested.iterator();
            while (latest.hasNext()) {
                if (isSame(latest.next().sql, sql)) {
                    latest.remove();
                    return;
                }
            }
        }

        private void failed(SQLException failure, String sql) {
            Nested of = null;
            for (Nested each : nested) {
                if (isSame(each.sql, sql)) {
                    of = each;
                    break;
                }
            }
            ended(sql);
            DbException told = DbException.convert(failure);
            if (told.getErrorCode() == ErrorCode.STATEMENT_WAS_CANCELED) {
                isCancelled = true;
            } else if (locked == null && SqlErrors.isLocked(told) && !isWithoutWait(of)) {
                locked = told;
            }
        }

        private static boolean isWithoutWait(@Nullable Nested of) {
            Command command = of == null ? null : of.command;
            ForUpdate lock =
                    command != null && H2Fields.prepared(command) instanceof Query query ? query.getForUpdate() : null;
            return lock != null && lock.getType() == ForUpdate.Type.NOWAIT;
        }
    }

    /** H2 hands over the text that it keeps with the command: the same object each time. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean isSame(String sql, String other) {
        return sql == other;
    }

    // ---- what H2 tells ---------------------------------------------------------------------------------------------

    @Override
    public void setProgress(int state, String sql, long x, long max) {
        if (state == STATE_STATEMENT_START) {
            Turn turn = turn();
            if (turn != null) {
                turn.started(sql);
            } else if (H2Fields.sessionOfThread() instanceof SessionLocal other) {
                // With a connection that a class has kept; or when a trigger is made, or a copy, by an administrator.
                Command command = other.getCurrentCommand();
                if (command == null || !other.getUser().isAdmin() || !StatementPolicy.isRead(other, sql, command)) {
                    throw sneaky(new Refused(SqlErrors.refused("a statement through another connection than that of"
                            + " the statement which calls a function or trigger: " + sql)));
                }
            }
        } else if (state == STATE_STATEMENT_END) {
            Turn turn = turn();
            if (turn != null) {
                turn.ended(sql);
            }
        }
    }

    @Override
    public void exceptionThrown(SQLException e, String sql) {
        Turn turn = turn();
        if (turn != null) {
            turn.failed(e, sql);
        }
    }

    /** The turn of the session whose command this thread executes. */
    private @Nullable Turn turn() {
        Session session = H2Fields.sessionOfThread();
        Turn turn = TURNS.get();
        while (turn != null && turn.h2 != session) {
            turn = turn.previous;
        }
        return turn;
    }

    /** Keeps a statement from running: H2 goes on after an exception of a listener, but not after this. */
    private static final class Refused extends Throwable {
        private static final long serialVersionUID = 1L;

        Refused(DbException reason) {
            super(reason.getMessage(), reason, false, false);
        }
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T extends Throwable> RuntimeException sneaky(Throwable e) throws T {
        throw (T) e;
    }

    // ---- failures --------------------------------------------------------------------------------------------------

    private boolean isOfClass(Throwable failure) {
        for (StackTraceElement each : failure.getStackTrace()) {
            if (classes.contains(each.getClassName())) {
                return true;
            }
        }
        return false;
    }
}
