package io.lockstep.server;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which cluster a command looks at: options shared by the commands that ask. Touched by the main thread. */
final class Target {
    @Option(
            names = "--connect",
            paramLabel = "HOST:PORT",
            split = ",",
            description = "A distributor, or several with commas between; default: what 'up' started here.")
    private List<String> connect = new ArrayList<>();

    @Option(
            names = "--cluster",
            paramLabel = "NAME",
            description = "Name of the cluster, with --connect; default ${DEFAULT-VALUE}.")
    private String cluster = "lockstep";

    /** Made for the first question and ended by the end of the process: its threads are daemons. */
    private @Nullable AdminClient admin;

    /** Asks the distributors, first come first served. @throws CommandFailure (cannot reach) when none answers */
    ClusterStatus status(Duration limit) {
        List<InetSocketAddress> addresses = connect.stream().map(Addresses::of).toList();
        String name = cluster;
        if (addresses.isEmpty()) {
            UpState.Running running = UpState.read(UpState.home())
                    .orElseThrow(() -> new CommandFailure(
                            ExitCode.CANNOT_REACH,
                            "nothing is up here (" + UpState.home()
                                    + " says so). Start a database: lockstep up; or name a distributor: --connect"
                                    + " HOST:PORT"));
            addresses = running.addresses();
            name = running.cluster();
        }
        AdminClient asker = admin;
        if (asker == null) {
            asker = new AdminClient(name);
            admin = asker;
        }
        try {
            return ClusterStatus.parse(asker.askFirst(addresses, AdminClient.STATUS, limit));
        } catch (IllegalArgumentException e) {
            throw new CommandFailure(
                    ExitCode.CANNOT_REACH, "what answers there is no distributor: " + e.getMessage(), e);
        }
    }

    /**
     * Asks one node, after {@link #status} has said where it is.
     *
     * @return one JSON document
     * @throws CommandFailure (cannot reach) when it does not answer in time
     */
    String askNode(int peerPort, String question, Duration limit) {
        AdminClient asker = Objects.requireNonNull(admin, "status comes first");
        return asker.ask(new InetSocketAddress("127.0.0.1", peerPort), question, limit);
    }
}
