package io.lockstep.jdbc;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cares for all open connections of this process between their requests. Owns the thread {@code lockstep-jdbc}, which
 * lives as long as there are any.
 */
final class Housekeeper {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeper.class);
    private static final long ROUND_NS = 500_000_000;
    private static final Set<SqlSession> SESSIONS = ConcurrentHashMap.newKeySet();
    private static @Nullable Thread thread;

    private Housekeeper() {}

    static void add(SqlSession session) {
        SESSIONS.add(session);
        synchronized (Housekeeper.class) {
            if (thread == null) {
                thread = new Thread(Housekeeper::run, "lockstep-jdbc");
                thread.setDaemon(true);
                thread.setContextClassLoader(null); // it must not keep an application's loader alive
                thread.start();
            }
        }
    }

    static void remove(SqlSession session) {
        SESSIONS.remove(session);
    }

    private static void run() {
        while (isNeeded()) {
            for (SqlSession session : SESSIONS) {
                try {
                    session.care();
                } catch (RuntimeException e) {
                    LOG.error("a connection is given up: a fault of the driver", e);
                    session.abort("a fault of the driver: " + e);
                }
            }
            LockSupport.parkNanos(ROUND_NS);
        }
    }

    private static synchronized boolean isNeeded() {
        if (SESSIONS.isEmpty()) {
            thread = null;
            return false;
        }
        return true;
    }
}
