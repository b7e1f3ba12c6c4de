package io.lockstep.jdbc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.ConnectionEvent;
import javax.sql.ConnectionEventListener;
import javax.sql.PooledConnection;
import javax.sql.StatementEventListener;
import org.h2.api.ErrorCode;
import org.h2.message.DbException;
import org.jspecify.annotations.Nullable;

/** One session and the handles that a pool lends of it, one at a time. Safe from any thread, as its connection is. */
final class PooledSession implements PooledConnection {
    private final SessionConnection connection;
    private final List<ConnectionEventListener> listeners = new CopyOnWriteArrayList<>();
    private @Nullable Handle lent;

    PooledSession(SessionConnection connection) {
        this.connection = connection;
    }

    /** Lends the session; a handle that was lent before is of no use from then on, and its transaction is rolled back. */
    @Override
    public synchronized Connection getConnection() throws SQLException {
        Handle before = lent;
        if (before != null) {
            before.isReturned = true;
        }
        if (!connection.getAutoCommit()) {
            connection.rollback();
            connection.setAutoCommit(true);
        }
        Handle handle = new Handle();
        lent = handle;
        return (Connection) Proxy.newProxyInstance(
                PooledSession.class.getClassLoader(), new Class<?>[] {LockstepConnection.class}, handle);
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }

    @Override
    public void addConnectionEventListener(ConnectionEventListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeConnectionEventListener(ConnectionEventListener listener) {
        listeners.remove(listener);
    }

    @Override
    public void addStatementEventListener(StatementEventListener listener) {
        // No statement pool: a session keeps its statements prepared by itself.
    }

    @Override
    public void removeStatementEventListener(StatementEventListener listener) {
        // As above: none was added.
    }

    private void returned(Handle handle) throws SQLException {
        synchronized (this) {
            if (handle.isReturned) {
                return;
            }
            handle.isReturned = true;
            lent = null;
        }
        if (!connection.isClosed() && !connection.getAutoCommit()) {
            connection.rollback();
        }
        ConnectionEvent event = new ConnectionEvent(this);
        listeners.forEach(listener -> listener.connectionClosed(event));
    }

    private void failed(SQLException failure) {
        if (connection.isClosed()) {
            ConnectionEvent event = new ConnectionEvent(this, failure);
            listeners.forEach(listener -> listener.connectionErrorOccurred(event));
        }
    }

    /** What the application holds: closing it returns the session. */
    private final class Handle implements InvocationHandler {
        private volatile boolean isReturned;

        @Override
        public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
            switch (method.getName()) {
                case "close" -> {
                    returned(this);
                    return null;
                }
                case "isClosed" -> {
                    return isReturned || connection.isClosed();
                }
                case "equals" -> {
                    return arguments != null && proxy == arguments[0];
                }
                case "hashCode" -> {
                    return System.identityHashCode(this);
                }
                default -> {
                    if (isReturned && !method.getName().equals("toString")) {
                        throw DbException.toSQLException(DbException.get(ErrorCode.OBJECT_CLOSED));
                    }
                }
            }
            try {
                return method.invoke(connection, arguments);
            } catch (InvocationTargetException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                if (cause instanceof SQLException failure) {
                    failed(failure);
                }
                throw cause;
            }
        }
    }
}
