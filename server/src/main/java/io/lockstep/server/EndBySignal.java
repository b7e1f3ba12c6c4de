package io.lockstep.server;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What TERM and Ctrl-C do, from the first moment on: the command is interrupted and unwinds, which ends what it started,
 * and the process ends with {@link ExitCode#INTERRUPTED}. Run by the JVM as it shuts down; {@link #commandIsOver} is
 * called by the command's thread.
 */
final class EndBySignal extends Thread {
    /** A command that only computes, and heeds no interrupt, leaves nothing behind. */
    private static final long ALONE_LIMIT_MS = 3_000;

    /** Children have 4 s to end before they are killed. */
    private static final long WITH_CHILDREN_LIMIT_MS = 9_000;

    private static final long LOOK_EVERY_MS = 100;

    private final Thread command;
    private final CountDownLatch isCommandOver = new CountDownLatch(1);

    private EndBySignal(Thread command) {
        super("end-by-signal");
        this.command = command;
    }

    /** Watches over the command that the calling thread is about to run. */
    static EndBySignal watch() {
        EndBySignal watch = new EndBySignal(Thread.currentThread());
        Runtime.getRuntime().addShutdownHook(watch);
        return watch;
    }

    /** The command has ended: by itself, if the JVM is not shutting down yet. */
    void commandIsOver() {
        isCommandOver.countDown();
    }

    @Override
    public void run() {
        if (isCommandOver.getCount() == 0) {
            return; // nobody sent a signal
        }
        command.interrupt();
        try {
            long waitedMs = 0;
            while (!isCommandOver.await(LOOK_EVERY_MS, TimeUnit.MILLISECONDS)) {
                waitedMs += LOOK_EVERY_MS;
                boolean hasChildren =
                        ProcessHandle.current().children().findAny().isPresent();
                if (waitedMs >= (hasChildren ? WITH_CHILDREN_LIMIT_MS : ALONE_LIMIT_MS)) {
                    break;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(ExitCode.INTERRUPTED.code());
    }
}
