package io.lockstep.server;

import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Asks processes how they are. Safe from any thread, because every question has a connection of its own. */
public final class AdminClient implements AutoCloseable {
    /** The question whose answer is a {@link ClusterStatus}. */
    public static final String STATUS = "status";

    /**
     * The question that a distributor answers with {@code {"staleFrames", "staleAnswers", "busyAnswers", "sessions",
     * "heldRequests"}}.
     */
    public static final String COUNTERS = "counters";

    private final Transport transport;

    /** @param cluster name of the cluster that the processes belong to */
    public AdminClient(String cluster) {
        long incarnation = new SecureRandom().nextLong() >>> 1 | 1;
        transport = new Transport(TransportConfig.defaults(cluster, new Peer("admin", Peer.Role.ADMIN, incarnation)));
    }

    /**
     * Asks and waits.
     *
     * @param limit for connecting and the answer together
     * @return one JSON document
     * @throws CommandFailure (cannot reach) when nobody answers in time
     */
    public String ask(InetSocketAddress address, String question, Duration limit) {
        return await(askAsync(address, question, limit), Addresses.text(address), limit);
    }

    /**
     * Asks all of them at once and waits for the first that answers.
     *
     * @param addresses one or more
     * @param limit for connecting and the answer together
     * @return one JSON document
     * @throws CommandFailure (cannot reach) when nobody answers in time
     */
    public String askFirst(List<InetSocketAddress> addresses, String question, Duration limit) {
        CompletableFuture<String> first = new CompletableFuture<>();
        AtomicInteger open = new AtomicInteger(addresses.size());
        for (InetSocketAddress address : addresses) {
            CompletionStage<String> asked = askAsync(address, question, limit);
            asked.whenComplete((json, failure) -> {
                if (failure == null) {
                    first.complete(json);
                } else if (open.decrementAndGet() == 0) {
                    first.completeExceptionally(failure);
                }
            });
        }
        String where = addresses.stream().map(Addresses::text).collect(Collectors.joining(", "));
        return await(first, where, limit);
    }

    private CompletableFuture<String> askAsync(InetSocketAddress address, String question, Duration limit) {
        String where = Addresses.text(address);
        CompletableFuture<String> answer = new CompletableFuture<>();
        ConnectionListener listener = new ConnectionListener() {
            @Override
            public void onOpen(Connection connection) {
                connection.send(new Frame.StatusAsk(0, question));
            }

            @Override
            public void onFrame(Connection connection, long incarnation, Frame frame) {
                if (frame instanceof Frame.StatusReply reply) {
                    answer.complete(reply.json());
                    connection.close("answered");
                }
            }

            @Override
            public void onClosed(Connection connection, String reason) {
                answer.completeExceptionally(
                        new CommandFailure(ExitCode.CANNOT_REACH, where + " closed the connection: " + reason));
            }
        };
        transport.connect(
                address,
                limit,
                listener,
                failure -> answer.completeExceptionally(
                        new CommandFailure(ExitCode.CANNOT_REACH, "cannot reach " + where + ": " + failure.text())));
        return answer;
    }

    private static String await(CompletableFuture<String> answer, String where, Duration limit) {
        try {
            return answer.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new CommandFailure(
                    ExitCode.CANNOT_REACH, where + " did not answer within " + limit.toMillis() + " ms", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CommandFailure failure) {
                throw failure;
            }
            throw new CommandFailure(ExitCode.CANNOT_REACH, "cannot reach " + where + ": " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.INTERRUPTED, "interrupted while asking " + where, e);
        }
    }

    @Override
    public void close() {
        transport.close();
    }
}
