package io.lockstep.activenode;

import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.wire.Answer;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Request;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Runs reads beside the lane, a thread for each processor. Given work by the lane, or by the node agent
 * while the lane stands still; what comes of it goes to the node
 * agent.
 *
 * <p>A read may have seen what the lane was just executing, so it waits at the gate for the last execution of which it
 * can have seen something when its last row was read (rule R3).
 */
final class ReadPool {
    /** More reads than these wait for a thread: the lane reads itself, which holds back whoever sends so much. */
    private static final int WAITING_MAX = 4_096;

    private static final long CLOSE_LIMIT_MS = 5_000;

    private final ActivePort port;
    private final LongSupplier seenPosition;
    private final ReadAnswers answers;
    private final Taker taker;
    private final ThreadPoolExecutor executor;
    /** What is read, or waits to be, and who asked for it last. */
    private final Map<MarkedRequest, Asked> inHand = new ConcurrentHashMap<>();

    /** Where an answer is wanted. */
    private record Asked(Connection channel, Request request) {}

    /** Takes an answer to the gate; called by the node agent. */
    interface Taker {
        void onRead(Connection channel, Request request, Ordered ordered);
    }

    /**
     * No thread runs before the first read.
     *
     * @param seenPosition of the last execution that anybody can have seen; read by the pool's threads
     * @param answers whether there is room for another
     */
    ReadPool(ActivePort port, LongSupplier seenPosition, ReadAnswers answers, Taker taker) {
        this.port = port;
        this.seenPosition = seenPosition;
        this.answers = answers;
        this.taker = taker;
        int threads = Runtime.getRuntime().availableProcessors();
        AtomicInteger number = new AtomicInteger();
        this.executor = new ThreadPoolExecutor(
                threads, threads, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>(WAITING_MAX), task -> {
                    Thread thread = new Thread(task, "read-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        executor.allowCoreThreadTimeOut(true);
    }

    /**
     * Hands a read over. A repeat of one that is not done yet only says where the answer is wanted now: who waits long
     * repeats, and would otherwise read for ever. Called by the lane, or while it stands still.
     *
     * @return false when it must be read by the lane
     */
    boolean read(Connection channel, Request request, Supplier<Answer> read) {
        MarkedRequest name = new MarkedRequest(request.session(), request.requestId());
        if (inHand.put(name, new Asked(channel, request)) != null) {
            return true;
        }
        try {
            executor.execute(() -> run(name, request, read));
            return true;
        } catch (RejectedExecutionException fullOrClosed) {
            inHand.remove(name);
            return false;
        }
    }

    private void run(MarkedRequest name, Request request, Supplier<Answer> read) {
        try {
            Answer answer = answers.isFull() ? answers.busy(request) : read.get();
            Ordered ordered = new Ordered(null, answer, seenPosition.getAsLong(), true);
            Asked last = Objects.requireNonNull(inHand.remove(name), "what is read is in hand");
            Connection channel = answers.counted(last.channel(), answer);
            port.onAgent(() -> taker.onRead(channel, last.request(), ordered));
        } catch (RuntimeException | Error failure) {
            port.failed(request, failure);
        }
    }

    /**
     * Ends all reading: the store may be closed afterwards.
     *
     * @throws IllegalStateException when one still reads after 5 s
     */
    void close() throws InterruptedException {
        executor.shutdownNow();
        if (!executor.awaitTermination(CLOSE_LIMIT_MS, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("a read did not end within " + CLOSE_LIMIT_MS + " ms");
        }
    }
}
