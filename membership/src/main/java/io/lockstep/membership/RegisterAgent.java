package io.lockstep.membership;

import io.lockstep.wire.Frame;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A voter as a running thing: owns the thread {@code register}, which saves and then replies. {@link #submit} is safe
 * from any thread, because it only leaves the frame in a queue.
 */
public final class RegisterAgent implements Closeable {
    private static final Logger log = LoggerFactory.getLogger(RegisterAgent.class);

    /** Frames that may wait; more are dropped, which a proposer takes for a lost frame and repeats. */
    private static final int WAITING_MAX = 1024;

    private static final Job STOP = new Job(new Frame.StatusAsk(0, "stop"), reply -> {});

    private final RegisterFile file;
    private final RegisterAcceptor acceptor;
    private final Consumer<Throwable> onFailed;
    private final LinkedBlockingQueue<Job> waiting = new LinkedBlockingQueue<>(WAITING_MAX);
    private final Thread thread;
    private volatile VoterRecord record;

    private RegisterAgent(String voter, RegisterFile file, Consumer<Throwable> onFailed) {
        this.file = file;
        this.acceptor = new RegisterAcceptor(voter, file);
        this.onFailed = onFailed;
        this.record = file.record();
        this.thread = new Thread(this::work, "register");
        this.thread.setDaemon(true);
    }

    /**
     * Opens the file and starts the thread.
     *
     * @param voter this process's configured name
     * @param path of the register's file
     * @param diskIds source of the id of a new disk
     * @param onFailed called once, on the agent's thread, when the voter has ended because its file failed: the process
     *     must stop (rule R2)
     * @throws IOException see {@link RegisterFile#open}
     */
    public static RegisterAgent start(String voter, Path path, LongSupplier diskIds, Consumer<Throwable> onFailed)
            throws IOException {
        RegisterAgent agent = new RegisterAgent(voter, RegisterFile.open(path, diskIds), onFailed);
        agent.thread.start();
        return agent;
    }

    /**
     * Hands over a frame for the voter.
     *
     * @param request see {@link RegisterAcceptor#isForVoter}
     * @param reply gets the answer on the agent's thread, after it is durable; not called when the voter has failed
     */
    public void submit(Frame request, Consumer<Frame> reply) {
        if (!RegisterAcceptor.isForVoter(request)) {
            throw new IllegalArgumentException("not a frame for a voter: " + request);
        }
        if (!waiting.offer(new Job(request, reply))) {
            log.debug("register: queue full, a frame is dropped");
        }
    }

    /** What the voter has saved; at most one frame old. Safe from any thread. */
    public VoterRecord record() {
        return record;
    }

    /** Ends the thread after the frame that it is working on, and closes the file. */
    @Override
    public void close() throws IOException {
        waiting.clear();
        waiting.add(STOP);
        boolean interrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        file.close();
    }

    private record Job(Frame request, Consumer<Frame> reply) {}

    @SuppressWarnings("ReferenceEquality") // STOP is recognized by being that very object
    private void work() {
        try {
            for (Job job = waiting.take(); job != STOP; job = waiting.take()) {
                Frame reply = acceptor.answer(job.request);
                record = acceptor.record();
                job.reply.accept(reply);
            }
        } catch (InterruptedException e) {
            log.warn("register: interrupted, so this voter ends");
            onFailed.accept(e);
        } catch (IOException | RuntimeException | Error e) {
            log.error("register: this voter ends, since it cannot tell what its disk holds", e);
            onFailed.accept(e);
        }
    }
}
