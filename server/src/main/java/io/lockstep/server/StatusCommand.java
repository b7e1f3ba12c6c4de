package io.lockstep.server;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Prints how a database is. Runs on the main thread. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Shows who is active, who is in sync, and how far each node has come.",
        description = {
            "",
            "Positions count entries of the forward log. A backup that is in sync holds everything that was ever answered"
                    + " (receivedPosition) and may have executed a little less (executedPosition).",
            "Exit code 3 when nobody answers.",
            ""
        })
final class StatusCommand implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(2);

    @Mixin
    private Target target = new Target();

    private final Output output;

    StatusCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() {
        ClusterStatus status = target.status(LIMIT);
        output.document(status);
        if (!output.isJson()) {
            print(status);
        }
        return ExitCode.DONE.code();
    }

    private void print(ClusterStatus status) {
        List<String> reasons = new ArrayList<>();
        output.text("database " + status.database() + "   term " + status.term() + "   active "
                + (status.active() == null ? "none" : status.active()));
        output.text("");
        output.text(row("NODE", "ROLE", "STATE", "IN SYNC", "PID", "RECEIVED", "EXECUTED", "PORTS"));
        for (ClusterStatus.NodeStatus node : status.nodes()) {
            output.text(row(
                    node.name(),
                    node.role(),
                    node.state(),
                    node.inSync() ? "yes" : "no",
                    node.pid() == 0 ? "-" : Long.toString(node.pid()),
                    Long.toString(node.receivedPosition()),
                    Long.toString(node.executedPosition()),
                    ports(node.ports())));
        }
        for (ClusterStatus.NodeStatus node : status.nodes()) {
            String reason = node.reason();
            if (reason != null && !reason.isEmpty()) {
                reasons.add(node.name() + ": " + reason);
            }
        }
        for (ClusterStatus.DistributorStatus distributor : status.distributors()) {
            output.text(row(
                    distributor.name(),
                    "DISTRIBUTOR",
                    distributor.state(),
                    "-",
                    Long.toString(distributor.pid()),
                    "-",
                    "-",
                    ports(distributor.ports())));
        }
        for (ClusterStatus.ArbiterStatus arbiter : status.arbiters()) {
            output.text(row(
                    arbiter.name(),
                    "ARBITER",
                    arbiter.state(),
                    "-",
                    Long.toString(arbiter.pid()),
                    "-",
                    "-",
                    ports(arbiter.ports())));
        }
        reasons.forEach(output::text);
    }

    private static String ports(Map<String, Integer> ports) {
        StringBuilder text = new StringBuilder();
        new TreeMap<>(ports).forEach((duty, port) -> text.append(text.isEmpty() ? "" : " ")
                .append(duty)
                .append(' ')
                .append(port));
        return text.toString();
    }

    private static String row(
            String name,
            String role,
            String state,
            String inSync,
            String pid,
            String received,
            String executed,
            String ports) {
        return String.format(
                        Locale.ROOT,
                        "%-15s %-12s %-18s %-8s %8s %12s %12s  %s",
                        name,
                        role,
                        state,
                        inSync,
                        pid,
                        received,
                        executed,
                        ports)
                .stripTrailing();
    }
}
