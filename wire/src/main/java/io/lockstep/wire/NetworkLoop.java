package io.lockstep.wire;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that reads and writes the sockets of a process, and on which an agent may live: what it decides on
 * arrival of a frame leaves by the same thread, without a hand-over. Safe from any thread.
 *
 * <p>It goes round: it reads what has arrived, then runs what it was asked to run, then sleeps. So what is asked for
 * while frames arrive happens once for all of them, and all that is sent meanwhile leaves with one write a connection.
 */
public final class NetworkLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NetworkLoop.class);
    private static final long CLOSE_LIMIT_MILLIS = 1000;

    private final String name;
    private final EventLoopGroup group;
    private final EventLoop loop;

    /** @param name of the thread, a daemon */
    public NetworkLoop(String name) {
        this.name = name;
        this.group = new MultiThreadIoEventLoopGroup(
                1,
                duty -> {
                    Thread thread = new FastThreadLocalThread(duty, name);
                    thread.setDaemon(true);
                    return thread;
                },
                NioIoHandler.newFactory());
        this.loop = group.next();
    }

    /** Whether the calling thread is the loop's. */
    public boolean isOwnThread() {
        return loop.inEventLoop();
    }

    /**
     * Runs something on the loop's thread, behind what it was asked to run before; called by that thread too, it returns
     * first.
     *
     * @return false when the loop has closed
     */
    public boolean execute(Runnable task) {
        try {
            loop.execute(task);
            return true;
        } catch (RejectedExecutionException closed) {
            return false;
        }
    }

    /**
     * Runs something on the loop's thread after a pause, once.
     *
     * @return false when the loop has closed
     */
    public boolean schedule(Runnable task, Duration pause) {
        try {
            var unused = loop.schedule(task, pause.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (RejectedExecutionException closed) {
            return false;
        }
    }

    EventLoopGroup group() {
        return group;
    }

    /** Ends the thread; waits up to 2 s for it, unless it is the caller. What was asked for and has not run may not. */
    @Override
    public void close() {
        var ending = group.shutdownGracefully(0, CLOSE_LIMIT_MILLIS, TimeUnit.MILLISECONDS);
        if (!isOwnThread() && !ending.awaitUninterruptibly(2 * CLOSE_LIMIT_MILLIS)) {
            LOG.error("somebody has not returned from a call of the thread {}; it is left behind", name);
        }
    }
}
