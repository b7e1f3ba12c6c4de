package io.lockstep.server;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Prints the process id of one process, for scripts that kill it. Runs on the main thread. */
@Command(
        name = "pid",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Prints the process id of a process, and nothing else.",
        description = {
            "",
            "The active's is that of the JVM that the view names, if it lives. Printed within 2 s; when there is none,"
                    + " nothing is printed and the exit code is 3.",
            "",
            "Example:  kill -9 $(lockstep pid active)",
            ""
        })
final class PidCommand implements Callable<Integer> {
    /** Of the 2 s that are promised, what is left after the JVM's end and a slow machine. */
    private static final Duration BUDGET = Duration.ofMillis(1_700);

    private static final Duration LEAST = Duration.ofMillis(400);
    private static final long PAUSE_MILLIS = 30;

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "WHO", description = "active, backup (the first in sync), distributor, or a name.")
    private String who = "active";

    private final Output output;

    PidCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() throws InterruptedException {
        long end = System.nanoTime() + timeLeft().toNanos();
        @Nullable CommandFailure failure = null;
        OptionalLong pid = OptionalLong.empty();
        while (pid.isEmpty()) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                break;
            }
            try {
                pid = pids(target.status(Duration.ofNanos(left)))
                        .filter(p ->
                                ProcessHandle.of(p).map(ProcessHandle::isAlive).orElse(false))
                        .findFirst();
                failure = null;
            } catch (CommandFailure e) {
                if (e.exitCode() != ExitCode.CANNOT_REACH) {
                    throw e;
                }
                failure = e;
            }
            if (pid.isEmpty()) {
                Thread.sleep(PAUSE_MILLIS);
            }
        }
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("schema", 1);
        document.put("name", who);
        document.put("pid", pid.isPresent() ? pid.getAsLong() : null);
        output.document(document);
        if (pid.isEmpty()) {
            output.talk(
                    "lockstep: " + (failure == null ? "there is no " + who + " at this moment" : failure.getMessage()));
            return ExitCode.CANNOT_REACH.code();
        }
        if (!output.isJson()) {
            output.text(Long.toString(pid.getAsLong()));
        }
        return ExitCode.DONE.code();
    }

    private LongStream pids(ClusterStatus status) {
        return switch (who) {
            case "active" -> status.activeNode().stream().mapToLong(ClusterStatus.NodeStatus::pid);
            case "backup" -> status.inSyncBackups().stream().mapToLong(ClusterStatus.NodeStatus::pid);
            case "distributor" -> status.distributors().stream().mapToLong(ClusterStatus.DistributorStatus::pid);
            default ->
                Stream.concat(
                                status.nodes().stream()
                                        .filter(n -> n.name().equals(who))
                                        .map(ClusterStatus.NodeStatus::pid),
                                status.distributors().stream()
                                        .filter(d -> d.name().equals(who))
                                        .map(ClusterStatus.DistributorStatus::pid))
                        .mapToLong(Long::longValue);
        };
    }

    private static Duration timeLeft() {
        Duration used = ProcessHandle.current()
                .info()
                .startInstant()
                .map(start -> Duration.between(start, Instant.now()))
                .orElse(Duration.ZERO);
        Duration left = BUDGET.minus(used);
        return left.compareTo(LEAST) < 0 ? LEAST : left;
    }
}
