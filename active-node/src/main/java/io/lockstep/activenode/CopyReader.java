package io.lockstep.activenode;

import io.lockstep.tsdstore.StateCopy;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Reads the pieces of copies beside the lane. Called by the node agent; pieces are read by the thread 'copy' and come
 * back on the node agent's.
 */
final class CopyReader implements AutoCloseable {
    private final ActivePort port;
    private final Taker taker;
    private final Map<Long, StateCopy> copies = new HashMap<>();
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
                } catch (RuntimeException failure) {
                    port.failed(null, failure);
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

    @Override
    public void close() {
        copies.values().forEach(copy -> executor.execute(copy::close));
        copies.clear();
        executor.shutdown();
    }
}
