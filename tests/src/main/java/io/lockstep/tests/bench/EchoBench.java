package io.lockstep.tests.bench;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import org.HdrHistogram.Histogram;

/**
 * The peer that latencies are compared with: messages that come back over a plain TCP connection on the loopback, and
 * nothing else happens. The server has a thread of its own; a round has one that sends and one that receives.
 */
final class EchoBench implements Load {
    private static final int MESSAGE_BYTES = 128;
    private static final int BUFFER_BYTES = 64 << 10;
    private static final long HIGHEST_US = 60_000_000;

    private final ServerSocket server;
    private final Socket socket;
    private final int inFlight;

    EchoBench(int inFlight) throws IOException {
        this.inFlight = inFlight;
        server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Thread echo = new Thread(this::echo, "echo");
        echo.setDaemon(true);
        echo.start();
        socket = new Socket(server.getInetAddress(), server.getLocalPort());
        socket.setTcpNoDelay(true);
    }

    /** Keeps the wanted number of messages on their way for a while. */
    @Override
    public Round run(long nanos) throws IOException, InterruptedException {
        Semaphore window = new Semaphore(inFlight);
        long beganNs = System.nanoTime();
        long endNs = beganNs + nanos;
        Thread sender = new Thread(() -> send(window, endNs), "echo-sender");
        sender.start();
        Histogram latenciesUs = new Histogram(HIGHEST_US, 3);
        DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), BUFFER_BYTES));
        byte[] message = new byte[MESSAGE_BYTES];
        long messages = 0;
        while (true) {
            in.readFully(message);
            long sentNs = ByteBuffer.wrap(message).getLong();
            if (sentNs == 0) {
                break; // the sender's last word
            }
            messages++;
            latenciesUs.recordValue(Math.min(HIGHEST_US, (System.nanoTime() - sentNs) / 1_000));
            window.release();
        }
        sender.join();
        return new Round(messages, (System.nanoTime() - beganNs) / 1e9, latenciesUs, 0);
    }

    private void send(Semaphore window, long endNs) {
        ByteBuffer message = ByteBuffer.allocate(MESSAGE_BYTES);
        try {
            OutputStream out = socket.getOutputStream();
            while (System.nanoTime() < endNs) {
                window.acquireUninterruptibly();
                out.write(message.putLong(0, System.nanoTime()).array());
            }
            out.write(message.putLong(0, 0).array());
        } catch (IOException e) {
            throw new IllegalStateException("the echo's connection broke", e);
        }
    }

    private void echo() {
        try (Socket client = server.accept()) {
            client.setTcpNoDelay(true);
            InputStream in = client.getInputStream();
            OutputStream out = client.getOutputStream();
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                out.write(buffer, 0, length);
            }
        } catch (IOException e) {
            if (!server.isClosed()) {
                throw new IllegalStateException("the echo's connection broke", e);
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        socket.close();
    }
}
