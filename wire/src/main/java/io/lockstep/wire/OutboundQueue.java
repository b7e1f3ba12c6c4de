package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.util.concurrent.Future;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Frames on their way out of one connection. {@link #offer}, {@link #discard} and {@link #waitingBytes} are safe from any
 * thread, because they only queue, take out of the queue, and count; the rest is touched only by the connection's network
 * thread.
 *
 * <p>All frames that wait when the network thread comes by are encoded into as few buffers as possible and leave with one
 * flush; a lone frame leaves at once.
 */
final class OutboundQueue {
    /** A buffer of this size holds some hundred messages; a longer frame gets one of its own. */
    private static final int BATCH_BYTES = 64 << 10;

    /** After this much the network thread turns to its other connections. */
    private static final int TURN_BYTES = 1 << 20;

    private final Channel channel;
    private final FrameWriter writer;
    private final Runnable onWritable;
    private final OutboundBudget budget;
    private final long maxBytes;
    private final long highWaterBytes;
    private final long lowWaterBytes;

    /** A frame that waits, with its length. */
    private record Waiting(Frame frame, int bytes) {}

    private final Queue<Waiting> frames = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean isTurnDue = new AtomicBoolean();

    /** Length of all frames that were offered and have not left; those that Netty still holds are included. */
    private final AtomicLong waitingBytes = new AtomicLong();

    /** Set before the frame that crosses the high-water mark is queued, so that its leaving cannot come first. */
    private volatile boolean isFull;

    /** @param budget told of everything that waits here */
    OutboundQueue(Channel channel, FrameWriter writer, int maxBytes, OutboundBudget budget, Runnable onWritable) {
        this.channel = channel;
        this.writer = writer;
        this.budget = budget;
        this.onWritable = onWritable;
        this.maxBytes = maxBytes;
        this.highWaterBytes = maxBytes / 2;
        this.lowWaterBytes = maxBytes / 4;
    }

    boolean isWritable() {
        return !isFull;
    }

    long waitingBytes() {
        return waitingBytes.get();
    }

    /** Queues a frame of that length. @return false when more than the maximum would wait; nothing is queued then */
    boolean offer(Frame frame, int bytes) {
        long waiting = waitingBytes.addAndGet(bytes);
        if (waiting > maxBytes) {
            waitingBytes.addAndGet(-bytes);
            return false;
        }
        if (waiting > highWaterBytes) {
            isFull = true;
        }
        budget.add(bytes);
        frames.add(new Waiting(frame, bytes));
        requestTurn();
        return true;
    }

    private void requestTurn() {
        if (isTurnDue.compareAndSet(false, true)) {
            try {
                channel.eventLoop().execute(this::takeTurn);
            } catch (RejectedExecutionException e) {
                discard(); // the transport has closed, and this connection with it
            }
        }
    }

    private void takeTurn() {
        isTurnDue.set(false); // before looking, so that a frame queued from here on asks for another turn
        try {
            writeUpTo(TURN_BYTES);
            channel.flush();
        } catch (Error e) {
            // A frame may be missing now; and the event loop would only log it.
            channel.pipeline().fireExceptionCaught(e);
        }
        if (!frames.isEmpty()) {
            requestTurn();
        }
    }

    /** Writes everything that waits and one last frame. @return completes when the last frame has left or cannot */
    ChannelFuture finish(Frame last) {
        int bytes = FrameWriter.bytes(last);
        waitingBytes.addAndGet(bytes);
        budget.add(bytes);
        frames.add(new Waiting(last, bytes));
        writeUpTo(Long.MAX_VALUE);
        return channel.writeAndFlush(io.netty.buffer.Unpooled.EMPTY_BUFFER);
    }

    /**
     * Gives up what waits here; what Netty still holds it gives up itself when the socket closes. Only for a connection that
     * has ended: from then on nobody is told that it is writable.
     */
    void discard() {
        for (Waiting given = frames.poll(); given != null; given = frames.poll()) {
            onLeft(given.bytes());
        }
    }

    private void writeUpTo(long maxTurnBytes) {
        long leftBytes = maxTurnBytes;
        ByteBuf batch = null;
        for (Waiting waiting = next(leftBytes); waiting != null; waiting = next(leftBytes)) {
            int bytes = waiting.bytes();
            if (batch != null && batch.writableBytes() < bytes) {
                write(batch);
                batch = null;
            }
            if (batch == null) {
                batch = channel.alloc().ioBuffer((int) Math.max(bytes, Math.min(waitingBytes.get(), BATCH_BYTES)));
            }
            leftBytes -= writer.write(waiting.frame(), bytes, batch);
        }
        if (batch != null) {
            write(batch);
        }
    }

    private @Nullable Waiting next(long leftBytes) {
        return leftBytes > 0 ? frames.poll() : null;
    }

    private void write(ByteBuf batch) {
        int bytes = batch.readableBytes();
        channel.write(batch).addListener((Future<Void> left) -> onLeft(bytes));
    }

    private void onLeft(int bytes) {
        budget.add(-bytes);
        long waiting = waitingBytes.addAndGet(-bytes);
        if (isFull && waiting <= lowWaterBytes) {
            isFull = false;
            onWritable.run();
        }
    }
}
