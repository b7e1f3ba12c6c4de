package io.lockstep.server;

import io.lockstep.membership.RegisterFile;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.wire.View;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts a database that stays: distributor and nodes as child JVMs, until Ctrl-C or TERM. Runs on the main thread; the
 * shutdown hook ends what it has started.
 */
@Command(
        name = "up",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Starts a database on this machine and keeps it running until Ctrl-C.",
        description = {
            "",
            "Starts one distributor, one active node and its backups, each a JVM of its own, and listens for clients on"
                    + " 127.0.0.1:7400. State and logs are under .lockstep/up/.",
            "",
            "Then, in another terminal:",
            "  lockstep status                   who is active, who is in sync",
            "  kill -9 $(lockstep pid active)    a backup takes over; with --restart the killed node comes back",
            ""
        })
final class UpCommand implements Callable<Integer> {
    private static final Duration IN_SYNC_LIMIT = Duration.ofSeconds(60);
    private static final int PORT_DEFAULT = 7400;

    @Option(names = "--database", paramLabel = "NAME", description = "Name of the database; default ${DEFAULT-VALUE}.")
    private String database = "lockstep";

    @Option(
            names = "--service",
            paramLabel = "NAME",
            description = "Which TransactionService it runs; default: the only one on the class path.")
    private String service = "";

    @Option(names = "--backups", paramLabel = "N", description = "Nodes beside the active; default ${DEFAULT-VALUE}.")
    private int backups = 1;

    @Option(names = "--distributors", paramLabel = "N", description = "Distributors; default ${DEFAULT-VALUE}.")
    private int distributors = 1;

    @Option(
            names = "--arbiter",
            description =
                    "An arbiter votes on who is active, in place of the distributor; for an even number of nodes.")
    private boolean hasArbiter;

    @Option(names = "--port", paramLabel = "PORT", description = "Where clients connect; default ${DEFAULT-VALUE}.")
    private int port = PORT_DEFAULT;

    @Option(
            names = "--level",
            paramLabel = "LEVEL",
            description = "memory: an answer means that every in-sync backup holds the entry. The only one so far.")
    private String level = "memory";

    @Option(names = "--restart", description = "Starts a process again when it ends by itself, or is killed.")
    private boolean isRestarting;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting for every process, like failure-detection=1s; docs/settings.md lists them.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--heap", paramLabel = "MIB", description = "Heap of each node in MiB; default ${DEFAULT-VALUE}.")
    private int heapMebibytes = 512;

    @Option(
            names = "--reset",
            description =
                    "Begins with an empty database where one of that name has ended; the old state is moved aside.")
    private boolean isReset;

    private final Output output;

    UpCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() throws InterruptedException {
        ClusterPlan plan = plan();
        try (UpState state = UpState.open(UpState.home())) {
            refuseWhenTaken();
            beginAnew(state);
            output.talk("starting database " + database + " ...");
            try (Cluster cluster = Cluster.start(plan)) {
                run(cluster, state);
            } finally {
                output.talk("database " + database + " has ended; 'lockstep up --reset' begins an empty one");
            }
        }
        return ExitCode.DONE.code();
    }

    /** Returns never, but by an exception: TERM and Ctrl-C interrupt it. */
    private void run(Cluster cluster, UpState state) throws InterruptedException {
        state.write(UpState.Running.of(cluster));
        tell(cluster, cluster.awaitInSync(backups, IN_SYNC_LIMIT));
        cluster.watch(event -> onEvent(cluster, state, event));
        new CountDownLatch(1).await();
    }

    private ClusterPlan plan() {
        Map<String, String> shared = new LinkedHashMap<>(settings);
        shared.put(Setting.LEVEL.key(), level);
        ClusterPlan plan = ClusterPlan.in(UpState.home().resolve(database))
                .withDatabase(database)
                .withService(chosenService())
                .withBackups(backups)
                .withDistributors(distributors)
                .withClientPort(port)
                .withHeapMebibytes(heapMebibytes)
                .withSettings(shared);
        plan = hasArbiter ? plan.withArbiter() : plan;
        return isRestarting ? plan.withRestarting() : plan;
    }

    private String chosenService() {
        List<String> names = new ArrayList<>();
        ServiceLoader.load(TransactionService.class).forEach(s -> names.add(s.name()));
        if (names.contains(service)) {
            return service;
        }
        if (service.isEmpty() && names.size() == 1) {
            return names.get(0);
        }
        String found = names.isEmpty() ? "none" : String.join(", ", names);
        throw new CommandFailure(
                ExitCode.USAGE,
                service.isEmpty()
                        ? "which service? On the class path: " + found + "; choose one with --service"
                        : "there is no service '" + service + "'; on the class path: " + found);
    }

    private void refuseWhenTaken() {
        if (port == 0) {
            return;
        }
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress("127.0.0.1", port));
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "127.0.0.1:" + port + " is taken (" + e.getMessage()
                            + "); choose another port with --port, or 0 for a" + " free one",
                    e);
        }
    }

    /** A database of that name must be new: what its nodes held in memory has ended with them. */
    private void beginAnew(UpState state) {
        Optional<View> former = formerView(state.database(database));
        if (former.isPresent() && !isReset) {
            View view = former.get();
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the last in-sync copy of database '" + database + "' is gone: it was held in memory by "
                            + view.active().name()
                            + view.backups().stream().map(b -> ", " + b.name()).reduce("", String::concat)
                            + " (view " + view.version() + ", term " + view.term()
                            + "), and they have ended. It does not"
                            + " start empty under its old name. To begin with an empty one: lockstep up --reset (moves the"
                            + " old state aside), or choose another name with --database");
        }
        state.moveAside(database).ifPresent(to -> {
            if (former.isPresent()) {
                output.talk("the old state of " + database + " is now in " + to);
            }
        });
    }

    private Optional<View> formerView(Path folder) {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        List<View> views = new ArrayList<>();
        try (Stream<Path> processes = Files.list(folder)) {
            for (Path process : processes.filter(Files::isDirectory).toList()) {
                Path file = LockstepConfig.registerFile(process);
                if (Files.exists(file)) {
                    try (RegisterFile register = RegisterFile.open(file, new SecureRandom()::nextLong)) {
                        register.record().value().ifPresent(views::add);
                    }
                }
            }
        } catch (IOException e) {
            if (isReset) {
                output.talk("the old state of " + database + " cannot be read: " + e.getMessage());
                return Optional.empty();
            }
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "cannot read the register of database '" + database + "': " + e.getMessage()
                            + ". To begin with an empty database: lockstep up --reset (moves the old state aside)",
                    e);
        }
        return views.stream().max(Comparator.comparingLong(View::version));
    }

    private void tell(Cluster cluster, ClusterStatus status) {
        String address = Addresses.text(cluster.clientAddresses().get(0));
        String url = "jdbc:lockstep://"
                + cluster.clientAddresses().stream().map(Addresses::text).collect(Collectors.joining(",")) + "/"
                + database;
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("schema", 1);
        document.put("database", database);
        document.put("service", cluster.plan().service());
        document.put("level", level);
        document.put(
                "connect",
                cluster.clientAddresses().stream().map(Addresses::text).toList());
        document.put("jdbc", url);
        document.put("pid", ProcessHandle.current().pid());
        document.put("directory", cluster.plan().directory().toString());
        document.put("term", status.term());
        document.put("active", status.active());
        document.put("nodes", status.nodes());
        document.put("distributors", status.distributors());
        document.put("arbiters", status.arbiters());
        output.document(document);
        output.text("Database " + database + " is up, service " + cluster.plan().service() + ".");
        output.text("");
        output.text("  connect      " + address);
        output.text("  jdbc         " + url + "   user " + owner(cluster.plan().settings()));
        for (ClusterStatus.NodeStatus node : status.nodes()) {
            output.text(String.format(
                    "  %-12s %-14s pid %d", node.role().toLowerCase(java.util.Locale.ROOT), node.name(), node.pid()));
        }
        for (ChildProcess distributor : cluster.distributors()) {
            output.text(String.format("  %-12s %-14s pid %d", "distributor", distributor.name(), distributor.pid()));
        }
        for (ChildProcess arbiter : cluster.arbiters()) {
            output.text(String.format("  %-12s %-14s pid %d", "arbiter", arbiter.name(), arbiter.pid()));
        }
        output.text("");
        output.text("  try a kill   kill -9 $(./lockstep pid active)   then   ./lockstep status");
        output.text("  killed       "
                + (isRestarting
                        ? "nodes are started again and come back as backups"
                        : "nodes stay away; with --restart they would come back as backups"));
        output.text(
                "  level        memory: an answer means that every in-sync backup holds it. Nothing is on disk, so the");
        output.text("               database ends with its last node: Ctrl-C ends it for good");
        output.text("  logs         " + cluster.plan().directory());
        output.text("");
    }

    private static String owner(Map<String, String> settings) {
        String file = settings.get(Setting.OWNER_PASSWORD_FILE.key());
        return settings.getOrDefault(Setting.OWNER.key(), "app") + ", password "
                + (file == null || file.isEmpty() ? "app" : "as " + file + " says");
    }

    private void onEvent(Cluster cluster, UpState state, String event) {
        output.talk(event);
        try {
            state.write(UpState.Running.of(cluster));
        } catch (RuntimeException e) {
            output.talk("lockstep: " + e.getMessage());
        }
        boolean isAnyNodeAlive = cluster.nodes().stream().anyMatch(ChildProcess::isAlive);
        if (!isAnyNodeAlive) {
            output.talk("no node is left: database " + database + " is gone, since its level is memory. Ctrl-C, then"
                    + " lockstep up --reset");
        }
    }
}
