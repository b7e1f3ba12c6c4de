package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A client, and a ledger of everything that it asked for and was answered. Used by the test's thread only, or by one
 * thread of its own.
 */
final class ClientActor {
    /** How a transaction ends. */
    enum Ending {
        OPEN,
        ENDED,
        ROLLED_BACK
    }

    private static final int HEAVY_BYTES = 400_000;

    private final Drill drill;
    private final String name;
    private final LockstepClient client;
    private final List<Tally> tallies = new CopyOnWriteArrayList<>();

    ClientActor(Drill drill, String name, List<InetSocketAddress> distributors) {
        this.drill = drill;
        this.name = name;
        this.client = LockstepClient.builder()
                .cluster(Drill.CLUSTER)
                .distributors(distributors)
                .label(name)
                .connectTimeout(Drill.LIMIT)
                .requestTimeout(Drill.LIMIT)
                .touchInterval(Duration.ofMinutes(10))
                .open();
    }

    /** A transaction whose first message is answered. */
    Tally begin(long number) {
        Tally tally = new Tally(client.begin(bytes(number)), number);
        tallies.add(tally);
        return tally;
    }

    LockstepClient door() {
        return client;
    }

    List<Tally> tallies() {
        return List.copyOf(tallies);
    }

    /** Nothing that it says is heard any more; what it left open is to be rolled back. */
    void die() {
        drill.say(name + " dies");
        drill.wiring().tearOff(name);
        tallies.stream().filter(tally -> tally.ending() == Ending.OPEN).forEach(Tally::lost);
    }

    /** Begins, adds and ends without a break, on a thread of its own. @return stops it, and waits for its last answer */
    Runnable keepBusy() {
        CompletableFuture<Void> stopped = new CompletableFuture<>();
        CompletableFuture<Void> done = CompletableFuture.runAsync(
                () -> {
                    for (long number = 1; !stopped.isDone(); number++) {
                        Tally tally = begin(number);
                        tally.add(10);
                        tally.add(100);
                        tally.end(1000);
                    }
                },
                work -> new Thread(work, "busy-" + name).start());
        return () -> {
            stopped.complete(null);
            done.join();
        };
    }

    static byte[] bytes(long number) {
        return Long.toString(number).getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return name;
    }

    /** A transaction and the sum that its next answer must give. */
    static final class Tally {
        private final LockstepTransaction transaction;
        private final List<Asked> asked = new ArrayList<>();
        private long sum;
        private Ending ending = Ending.OPEN;

        private Tally(LockstepTransaction begun, long first) {
            transaction = begun;
            sum = first;
            assertThat(text(begun.firstAnswer())).as("the first answer").isEqualTo(Long.toString(first));
        }

        /** Sends a further message and does not wait. */
        Asked ask(long number) {
            sum += number;
            return asked(
                    transaction.sendAsync(bytes(number)).toCompletableFuture().thenApply(ClientActor::text));
        }

        /** Sends the termination message and does not wait. */
        Asked askEnd(long number) {
            sum += number;
            ending = Ending.ENDED;
            return asked(
                    transaction.endAsync(bytes(number)).toCompletableFuture().thenApply(ClientActor::text));
        }

        /** Rolls back and does not wait. */
        Asked askRollback() {
            ending = Ending.ROLLED_BACK;
            return new Asked(
                    transaction.rollbackAsync().toCompletableFuture().thenApply(nothing -> "rolled back"),
                    "rolled back");
        }

        private Asked asked(CompletableFuture<String> answer) {
            Asked one = new Asked(answer, Long.toString(sum));
            asked.add(one);
            return one;
        }

        void add(long number) {
            ask(number).awaitAnswer();
        }

        /** So much that the forward log soon leaves behind whoever is away. */
        void addHeavily(long number) {
            sum += number;
            String padded = "0".repeat(HEAVY_BYTES) + number;
            asked(transaction
                            .sendAsync(padded.getBytes(StandardCharsets.UTF_8))
                            .toCompletableFuture()
                            .thenApply(ClientActor::text))
                    .awaitAnswer();
        }

        void end(long number) {
            askEnd(number).awaitAnswer();
        }

        /** How the records must show it: {@code session id total}. */
        String line() {
            return transaction.session() + " " + transaction.id() + " " + (ending == Ending.ROLLED_BACK ? -1 : sum);
        }

        Ending ending() {
            return ending;
        }

        /** Its client has died: nobody waits for its answers, and it is rolled back. */
        private void lost() {
            ending = Ending.ROLLED_BACK;
            asked.clear();
        }

        List<Asked> all() {
            return List.copyOf(asked);
        }
    }

    /** A message on its way, and what its answer must be. */
    record Asked(CompletableFuture<String> answer, String expected) {
        /** Waits for the answer, and compares: each message before it has counted once. */
        void awaitAnswer() {
            try {
                assertThat(answer.get(Drill.LIMIT.toSeconds() + 10, TimeUnit.SECONDS))
                        .as("every message has counted once")
                        .isEqualTo(expected);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted", e);
            } catch (ExecutionException | TimeoutException e) {
                throw new AssertionError("a message without answer, expected " + expected, e);
            }
        }

        boolean isAnswered() {
            return answer.isDone();
        }
    }
}
