package io.lockstep.tests.onejvm;

import io.lockstep.wire.Frame;
import io.lockstep.wire.FrameReader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A port on which one process reaches another: carries frames between real sockets as the two {@link Way}s allow. Owns a
 * thread that accepts, and two for each connection.
 */
final class Cable implements AutoCloseable {
    private static final int FRAME_MAX_BYTES = 8 << 20;
    private static final int CONNECT_LIMIT_MS = 1_000;

    private final String name;
    private final InetSocketAddress target;
    private final Way there;
    private final Way back;
    private final ServerSocket listening;
    private final Set<Strand> strands = ConcurrentHashMap.newKeySet();
    private volatile boolean isSilent;
    private volatile boolean isClosed;

    /**
     * @param there what whoever connects says
     * @param back what the target says
     */
    Cable(String name, InetSocketAddress target, Way there, Way back) {
        this.name = name;
        this.target = target;
        this.there = there;
        this.back = back;
        try {
            listening = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        thread("accept", this::accept);
    }

    /** Where the target is reached through this cable. */
    InetSocketAddress address() {
        return (InetSocketAddress) listening.getLocalSocketAddress();
    }

    /** Nothing passes any more, and nobody is told: connections stay open at both ends, and new ones get no answer. */
    void silence() {
        isSilent = true;
        there.cut();
        back.cut();
    }

    /** The connections of now are dead from here on, and neither end is told; new ones work. */
    void numb() {
        strands.forEach(strand -> strand.isNumb = true);
    }

    private void tear() {
        strands.forEach(Strand::tear);
    }

    /** Resets every connection and refuses new ones, as when a process ends. */
    @Override
    public void close() {
        isClosed = true;
        closeQuietly(listening);
        tear();
    }

    private void accept() {
        while (!isClosed) {
            try {
                Socket caller = listening.accept();
                caller.setTcpNoDelay(true);
                thread("connect", () -> connect(caller));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void connect(Socket caller) {
        Socket callee = new Socket();
        Strand strand = new Strand(caller, callee);
        strands.add(strand);
        try {
            if (!isSilent) {
                callee.connect(target, CONNECT_LIMIT_MS);
                callee.setTcpNoDelay(true);
                thread("there", () -> strand.carry(caller, callee, there));
                strand.carry(callee, caller, back);
            }
        } catch (IOException e) {
            strand.tear();
        }
        if (isClosed) {
            strand.tear();
        }
    }

    private void thread(String duty, Runnable work) {
        Thread thread = new Thread(work, "cable-" + name + "-" + duty);
        thread.setDaemon(true);
        thread.start();
    }

    private static void closeQuietly(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            throw new AssertionError("a socket does not close", e);
        }
    }

    /** One connection: two sockets. */
    final class Strand {
        private final Socket caller;
        private final Socket callee;
        private volatile boolean isTorn;
        private volatile boolean isNumb;

        private Strand(Socket caller, Socket callee) {
            this.caller = caller;
            this.callee = callee;
        }

        boolean isTorn() {
            return isTorn;
        }

        /** Both ends hear a reset, at once. */
        private void tear() {
            isTorn = true;
            strands.remove(this);
            for (Socket socket : new Socket[] {caller, callee}) {
                try {
                    socket.setSoLinger(true, 0);
                } catch (IOException e) {
                    isTorn = true; // closed already
                }
                closeQuietly(socket);
            }
            there.wakeAll();
            back.wakeAll();
        }

        private void carry(Socket from, Socket to, Way way) {
            try {
                DataInputStream in = new DataInputStream(from.getInputStream());
                OutputStream out = to.getOutputStream();
                byte @Nullable [] overtaken = null;
                for (byte[] bytes = next(in); bytes != null; bytes = next(in)) {
                    Way.Fate fate = way.pass(frame(bytes), this);
                    if (isTorn) {
                        return;
                    }
                    if (isNumb) {
                        continue;
                    }
                    if (fate == Way.Fate.SWAP && overtaken == null) {
                        overtaken = bytes;
                        continue;
                    }
                    int length = fate == Way.Fate.HALVE ? bytes.length / 2 : bytes.length;
                    out.write(bytes, 0, length);
                    if (fate == Way.Fate.DOUBLE) {
                        out.write(bytes);
                    }
                    if (overtaken != null) {
                        out.write(overtaken);
                        overtaken = null;
                    }
                    out.flush();
                    if (fate == Way.Fate.HALVE) {
                        endTorn(way);
                        return;
                    }
                }
                if (overtaken != null) {
                    out.write(overtaken);
                }
                way.passEnd(this);
                if (!isTorn && !isNumb) {
                    to.shutdownOutput();
                    if (from.isOutputShutdown()) {
                        tear();
                    }
                }
            } catch (IOException e) {
                endTorn(way);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                tear();
            }
        }

        /** One side has reset the connection; the other hears it when the way is open. */
        private void endTorn(Way way) {
            if (isNumb) {
                return;
            }
            try {
                way.passEnd(this);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            tear();
        }

        /** The next frame's bytes; null at the end. */
        private byte @Nullable [] next(DataInputStream in) throws IOException {
            int length;
            try {
                length = in.readInt();
            } catch (EOFException e) {
                return null;
            }
            byte[] bytes = new byte[Integer.BYTES + length];
            ByteBuffer.wrap(bytes).putInt(length);
            in.readFully(bytes, Integer.BYTES, length);
            return bytes;
        }

        private static Frame frame(byte[] bytes) throws IOException {
            ByteBuf buffer = Unpooled.wrappedBuffer(bytes);
            return Objects.requireNonNull(new FrameReader(Drill.CLUSTER, FRAME_MAX_BYTES).read(buffer), "complete");
        }
    }
}
