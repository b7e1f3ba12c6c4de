package io.lockstep.activenode;

import io.lockstep.tsdstore.StateCopy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the pieces of copies beside the lane. Called by the node agent; pieces are read by the thread 'copy' and come
 * back on the node agent's.
 */
final class CopyReader {
    private static final Logger LOG = LoggerFactory.getLogger(CopyReader.class);
    private static final long CLOSE_LIMIT_MS = 2_000;

    private final ActivePort port;
    private final Taker taker;
    /** Those that are wanted: changed by the node agent, looked at by the thread 'copy'. */
    private final Map<Long, StateCopy> copies = new ConcurrentHashMap<>();

    private final ExecutorService executor = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "copy");
        thread.setDaemon(true);
        return thread;
    });

    /** Takes one piece; called by the node agent. */
    interface Taker {
        void onPiece(long copyId, byte[] data, boolean isLast);
    }

    CopyReader(ActivePort port, Taker taker) {
        this.port = port;
        this.taker = taker;
    }

    void opened(long copyId, StateCopy copy) {
        copies.put(copyId, copy);
    }

    void read(long copyId) {
        StateCopy copy = copies.get(copyId);
        if (copy != null) {
            executor.execute(() -> {
                try {
                    byte[] piece = copy.next();
                    boolean isLast = !copy.hasNext();
                    port.onAgent(() -> taker.onPiece(copyId, piece, isLast));
                } catch (RuntimeException | Error failure) {
                    if (copies.containsKey(copyId)) {
                        port.failed(null, failure);
                    } else {
                        LOG.debug("reading copy {}, which nobody wants any more", copyId, failure);
                    }
                }
            });
        }
    }

    void drop(long copyId) {
        StateCopy copy = copies.remove(copyId);
        if (copy != null) {
            executor.execute(copy::close);
        }
    }

    /**
     * Ends all reading: the store may be closed afterwards.
     *
     * @throws IllegalStateException when a piece is still being read after 2 s
     */
    void close() throws InterruptedException {
        copies.values().forEach(copy -> executor.execute(copy::close));
        copies.clear();
        executor.shutdown();
        if (!executor.awaitTermination(CLOSE_LIMIT_MS, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("a piece of a copy is still being read after " + CLOSE_LIMIT_MS + " ms");
        }
    }
}
