package io.lockstep.jdbc;

import io.lockstep.distributor.DirectSession;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cares for all open connections of this process between their requests, and ends the sessions of those that the
 * application lost without closing them. Owns the thread {@code lockstep-jdbc}, which lives as long as there are any.
 */
final class Housekeeper {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeper.class);
    private static final long ROUND_NS = 500_000_000;
    /** Weak: whoever cares for a connection must not be what keeps it alive. */
    private static final Map<DirectSession, WeakReference<SqlSession>> SESSIONS = new ConcurrentHashMap<>();

    private static @Nullable Thread thread;

    private Housekeeper() {}

    static void add(DirectSession channel, SqlSession session) {
        SESSIONS.put(channel, new WeakReference<>(session));
        synchronized (Housekeeper.class) {
            if (thread == null) {
                Thread made = new Thread(Housekeeper::run, "lockstep-jdbc");
                made.setDaemon(true);
                made.setContextClassLoader(null); // it must not keep an application's loader alive
                made.start();
                thread = made;
            }
        }
    }

    static void remove(DirectSession channel) {
        SESSIONS.remove(channel);
    }

    private static void run() {
        while (isNeeded()) {
            SESSIONS.forEach(Housekeeper::care);
            LockSupport.parkNanos(ROUND_NS);
        }
    }

    private static void care(DirectSession channel, WeakReference<SqlSession> session) {
        try {
            if (session.get() == null) {
                LOG.warn("a connection was never closed; its session {} ends now", channel.session());
                remove(channel);
                channel.abort("its connection was never closed");
            } else {
                channel.care();
            }
        } catch (RuntimeException | Error e) {
            LOG.error("a connection is given up: a fault of the driver", e);
            remove(channel);
            channel.abort("a fault of the driver: " + e);
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
