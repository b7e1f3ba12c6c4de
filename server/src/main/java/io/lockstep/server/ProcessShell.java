package io.lockstep.server;

import java.io.IOException;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What every process of a cluster has around its role: an incarnation, the line that says it is ready, the end when its
 * parent dies or TERM comes, parts closed in reverse order. Safe from any thread, because the parts are guarded by
 * their lock and the reason to end is set once.
 */
final class ProcessShell {
    /** System property: when {@code true} the process ends as soon as its standard input does. */
    static final String WATCH_PARENT = "lockstep.watch-parent";

    private static final Logger LOG = LoggerFactory.getLogger(ProcessShell.class);
    private static final long CLOSE_LIMIT_SECONDS = 3;

    private final LockstepConfig config;
    private final long incarnation = new SecureRandom().nextLong() >>> 1 | 1;
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final AtomicReference<ExitCode> end = new AtomicReference<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile Map<String, Integer> ports = Map.of();
    private volatile Consumer<Error> errorHandler =
            error -> Runtime.getRuntime().halt(ExitCode.INTERNAL.code());

    /** Assembles a role. */
    interface Role {
        /**
         * Starts it, hands every part to {@link ProcessShell#closeAtEnd} and calls {@link ProcessShell#ready}; then
         * returns.
         */
        void start(LockstepConfig config, ProcessShell shell) throws Exception;
    }

    private ProcessShell(LockstepConfig config) {
        this.config = config;
    }

    /**
     * Runs one process in the foreground until TERM, the end of its parent, or {@link #end}.
     *
     * @return what the process is to end with
     */
    static ExitCode run(LockstepConfig config, Role role) throws Exception {
        LogSetup.tellAll();
        ProcessShell shell = new ProcessShell(config);
        Thread.setDefaultUncaughtExceptionHandler(shell::onUncaught);
        Thread hook = new Thread(shell::endBySignal, "shutdown");
        Runtime.getRuntime().addShutdownHook(hook);
        if (Boolean.getBoolean(WATCH_PARENT)) {
            shell.watchParent();
        }
        try {
            role.start(config, shell);
            shell.ended.await();
        } finally {
            shell.closeParts();
        }
        ExitCode code = shell.end.get();
        return code == null ? ExitCode.INTERRUPTED : code;
    }

    /** For a process whose JVM has more to do than to run its role. */
    static ProcessShell within(LockstepConfig config) {
        return new ProcessShell(config);
    }

    /** Starts the role; {@link #closeParts} ends it. */
    void start(Role role) throws Exception {
        role.start(config, this);
    }

    /** One of the ports that the role named when it was ready. */
    int port(String duty) {
        return Objects.requireNonNull(ports.get(duty), duty);
    }

    /** Which run of this process this is: random, above 0. */
    long incarnation() {
        return incarnation;
    }

    /** Process id. */
    long pid() {
        return ProcessHandle.current().pid();
    }

    /** Hands over a part: parts are closed at the end, the last one first. */
    void closeAtEnd(AutoCloseable part) {
        synchronized (parts) {
            parts.push(part);
        }
    }

    /**
     * Says on standard output that the process is ready.
     *
     * @param ports by duty: {@code peer}, {@code client}, {@code hazelcast}
     */
    void ready(Map<String, Integer> ports) {
        this.ports = Map.copyOf(ports);
        LOG.info(
                "{} is ready: pid {} incarnation {} ports {}",
                config.name(),
                pid(),
                Long.toHexString(incarnation),
                ports);
        System.out.println(new ReadyLine(config.name(), pid(), incarnation, ports).toLine());
        System.out.flush();
    }

    /** Ends the process; the first code counts. */
    void end(ExitCode code, String reason) {
        if (end.compareAndSet(null, code)) {
            LOG.info("{} ends with exit code {}: {}", config.name(), code.code(), reason);
            ended.countDown();
        }
    }

    /** Who ends the process when a thread of a library met an error; without one it halts. */
    void onError(Consumer<Error> handler) {
        errorHandler = handler;
    }

    /** An exception costs a thread; after an error (no memory, no stack, a class that is not there) nothing is sure. */
    private void onUncaught(Thread thread, Throwable failure) {
        try {
            LOG.error("{} failed on thread {}", config.name(), thread.getName(), failure);
        } finally {
            if (failure instanceof Error error) {
                errorHandler.accept(error);
            }
        }
    }

    private void endBySignal() {
        end(ExitCode.INTERRUPTED, "told to end");
        try {
            if (!closed.await(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("{} has not closed everything after {} s", config.name(), CLOSE_LIMIT_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void watchParent() {
        Thread watcher = new Thread(
                () -> {
                    try {
                        while (System.in.read() >= 0) {
                            LOG.debug("ignored a byte on standard input");
                        }
                    } catch (IOException e) {
                        LOG.debug("standard input", e);
                    }
                    end(ExitCode.INTERRUPTED, "standard input has ended, so the parent has");
                    try {
                        if (!closed.await(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                            Runtime.getRuntime().halt(ExitCode.INTERRUPTED.code());
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "watch-parent");
        watcher.setDaemon(true);
        watcher.start();
    }

    /** Closes what the role has handed over, the last one first. */
    void closeParts() {
        while (true) {
            AutoCloseable part;
            synchronized (parts) {
                part = parts.poll();
            }
            if (part == null) {
                closed.countDown();
                return;
            }
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("cannot close {}", part, e);
            }
        }
    }
}
