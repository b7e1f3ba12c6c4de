package io.lockstep.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Distributors, nodes and arbiter of one database as child JVMs of this process, on this machine. Safe from any thread,
 * because the set of children never changes and each child guards itself.
 *
 * <p>Children never outlive this process: {@link #close} ends them, a shutdown hook does, and each ends by itself when
 * its standard input ends.
 */
public final class Cluster implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int FEW_PROCESSORS = 2;
    private static final String ARBITER = "arbiter-1";
    private static final int SMALL_HEAP_MEBIBYTES = 256;
    private static final Duration READY_LIMIT = Duration.ofSeconds(60);
    private static final Duration END_LIMIT = Duration.ofSeconds(4);
    private static final Duration STATUS_LIMIT = Duration.ofMillis(1_500);
    private static final long STATUS_PAUSE_MILLIS = 20;

    /** Ctrl-C reaches the children of a terminal as early as ourselves: this long, an ended child may be part of it. */
    private static final long END_IS_OURS_MILLIS = 200;

    /** Below the ports that the system gives to outgoing connections, so nobody takes one by chance meanwhile. */
    private static final int FREE_PORT_LEAST = 20_000;

    private static final int FREE_PORT_MOST = 32_000;

    private final ClusterPlan plan;
    private final List<ChildProcess> distributors = new ArrayList<>();
    private final List<ChildProcess> nodes = new ArrayList<>();
    private final List<ChildProcess> arbiters = new ArrayList<>();
    private final AdminClient admin;
    private final Thread hook = new Thread(this::endChildren, "cluster-shutdown");
    private final CountDownLatch closing = new CountDownLatch(1);

    private Cluster(ClusterPlan plan) {
        this.plan = plan;
        this.admin = new AdminClient(plan.cluster());
        int nodeCount = plan.backups() + 1;
        List<String> nodeNames = names("node", nodeCount);
        List<String> distributorNames = names("distributor", plan.distributors());
        List<String> voters = voters(plan, nodeNames, distributorNames);
        List<String> names = new ArrayList<>(distributorNames);
        names.addAll(nodeNames);
        if (plan.hasArbiter()) {
            names.add(ARBITER);
        }
        List<Integer> hazelcastPorts = freePorts(names.size());
        List<String> members = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            members.add(plan.places().of(names.get(i)).host() + ":" + hazelcastPorts.get(i));
        }
        for (int i = 0; i < plan.distributors(); i++) {
            Map<String, Object> settings = settings(distributorNames.get(i), ProcessRole.DISTRIBUTOR);
            settings.put(Setting.CLIENT_PORT.key(), Integer.toString(i == 0 ? plan.clientPort() : 0));
            place(settings, nodeNames, voters, hazelcastPorts.get(i), members);
            distributors.add(child(distributorNames.get(i), ProcessRole.DISTRIBUTOR, settings));
        }
        for (int i = 0; i < nodeCount; i++) {
            Map<String, Object> settings = settings(nodeNames.get(i), ProcessRole.NODE);
            place(settings, nodeNames, voters, hazelcastPorts.get(plan.distributors() + i), members);
            if (plan.recordEntries()) {
                settings.put(
                        Setting.RECORD_ENTRIES.key(),
                        directoryOf(nodeNames.get(i)).resolve("entries.log").toString());
            }
            nodes.add(child(nodeNames.get(i), ProcessRole.NODE, settings));
        }
        if (plan.hasArbiter()) {
            Map<String, Object> settings = settings(ARBITER, ProcessRole.ARBITER);
            place(settings, nodeNames, voters, hazelcastPorts.get(hazelcastPorts.size() - 1), members);
            arbiters.add(child(ARBITER, ProcessRole.ARBITER, settings));
        }
    }

    /**
     * Starts everything and waits until every process is ready; {@link #awaitInSync} waits for the view.
     *
     * @throws ConfigException when a setting of the plan is wrong; nothing was started
     * @throws CommandFailure when a process cannot be started or ends; everything was ended again
     */
    public static Cluster start(ClusterPlan plan) {
        Cluster cluster = new Cluster(plan);
        try {
            Runtime.getRuntime().addShutdownHook(cluster.hook);
        } catch (IllegalStateException e) {
            throw new CommandFailure(ExitCode.INTERRUPTED, "interrupted before anything was started", e);
        }
        try {
            cluster.all().forEach(ChildProcess::launch);
            cluster.all().forEach(child -> child.awaitReady(READY_LIMIT));
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
        return cluster;
    }

    /** What it was started from. */
    public ClusterPlan plan() {
        return plan;
    }

    /** The nodes, in the order of their names. */
    public List<ChildProcess> nodes() {
        return List.copyOf(nodes);
    }

    /** The distributors, in the order of their names. */
    public List<ChildProcess> distributors() {
        return List.copyOf(distributors);
    }

    /** The arbiter, if the plan has one. */
    public List<ChildProcess> arbiters() {
        return List.copyOf(arbiters);
    }

    /** Where clients connect, one address for each distributor. */
    public List<InetSocketAddress> clientAddresses() {
        return distributors.stream().map(ChildProcess::address).toList();
    }

    /** The URL of the plan's database for JDBC, through the distributors; properties follow with an ampersand. */
    public String jdbcUrl() {
        return url("jdbc:lockstep://", distributors);
    }

    /** The same without a distributor. */
    public String jdbcUrlOfNodes() {
        return url("jdbc:lockstep:nodes://", nodes);
    }

    private String url(String prefix, List<ChildProcess> servers) {
        String hosts = servers.stream()
                .map(each ->
                        each.address().getHostString() + ":" + each.address().getPort())
                .collect(Collectors.joining(","));
        return prefix + hosts + "/" + plan.database() + "?cluster=" + plan.cluster();
    }

    /** The child of that name. @throws NoSuchElementException when there is none */
    public ChildProcess child(String name) {
        return all().stream()
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new NoSuchElementException("no process " + name + " in " + all()));
    }

    /** The node that the view names at this moment, as the distributors know. */
    public Optional<ChildProcess> active() {
        return Optional.ofNullable(status().active()).map(this::child);
    }

    /** In-sync backups of the view at this moment, as the distributors know. */
    public List<ChildProcess> inSyncBackups() {
        return status().inSyncBackups().stream().map(n -> child(n.name())).toList();
    }

    /**
     * How it is, as the first distributor that answers says; a node whose process has ended, or is another run than the
     * distributor knows, is shown as gone.
     *
     * @throws CommandFailure (cannot reach) when no distributor answers
     */
    public ClusterStatus status() {
        CommandFailure last = new CommandFailure(ExitCode.CANNOT_REACH, "no distributor runs");
        for (ChildProcess distributor : distributors) {
            if (!distributor.isAlive()) {
                continue;
            }
            try {
                return ClusterStatus.parse(admin.ask(distributor.address(), AdminClient.STATUS, STATUS_LIMIT))
                        .withoutEnded(this::isRunning);
            } catch (CommandFailure e) {
                last = e;
            }
        }
        throw last;
    }

    /**
     * What distributors dropped because it was said in an older term, or by another node than the active.
     *
     * @param frames all of it
     * @param answers those of them that were answers, and no refusals or notices
     */
    public record Dropped(long frames, long answers) {
        /** What was dropped since then. */
        public Dropped since(Dropped before) {
            return new Dropped(frames - before.frames, answers - before.answers);
        }
    }

    /** What all distributors together dropped so far; of those that do not answer, nothing. */
    public Dropped dropped() {
        long frames = 0;
        long answers = 0;
        for (ChildProcess distributor : distributors) {
            if (distributor.isAlive()) {
                try {
                    JsonNode counters =
                            JSON.readTree(admin.ask(distributor.address(), AdminClient.COUNTERS, STATUS_LIMIT));
                    frames += counters.path("staleFrames").asLong();
                    answers += counters.path("staleAnswers").asLong();
                } catch (CommandFailure | JsonProcessingException e) {
                    LOG.debug("{} does not say how many frames it dropped", distributor, e);
                }
            }
        }
        return new Dropped(frames, answers);
    }

    /** Waits until an active works and every other node is in sync. @throws CommandFailure (failed) when it does not */
    public void awaitInSync(Duration limit) {
        awaitInSync(plan.backups(), limit);
    }

    /**
     * Waits until an active works and that many backups are in sync.
     *
     * @return how it is then
     * @throws CommandFailure (failed) when that does not come true within the limit
     */
    public ClusterStatus awaitInSync(int backups, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        String last = "nothing";
        while (true) {
            try {
                ClusterStatus status = status();
                if (status.isInSync(backups)) {
                    return status;
                }
                last = status.toString();
            } catch (CommandFailure e) {
                last = e.getMessage();
            }
            if (System.nanoTime() - end >= 0) {
                throw new CommandFailure(
                        ExitCode.FAILED,
                        "no active with " + backups + " backups in sync after " + limit.toMillis() + " ms; last seen: "
                                + last + "; logs are in " + plan.directory());
            }
            pause(STATUS_PAUSE_MILLIS);
        }
    }

    /**
     * Watches the children from now on: tells about each that ends by itself and, when the plan says so, starts it
     * again.
     *
     * @param tell gets one line for each event, by threads of this class
     */
    public void watch(Consumer<String> tell) {
        for (ChildProcess child : all()) {
            Thread watcher = new Thread(() -> watch(child, tell), "watch-" + child.name());
            watcher.setDaemon(true);
            watcher.start();
        }
    }

    /** Ends all children: TERM, then KILL. Does nothing the second time. */
    @Override
    public void close() {
        endChildren();
        admin.close();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            LOG.debug("closed by the shutdown", e);
        }
    }

    private static List<String> voters(ClusterPlan plan, List<String> nodes, List<String> distributors) {
        if (Setting.word(RegisterKind.ZOOKEEPER).equals(plan.settings().get(Setting.REGISTER.key()))) {
            return List.of();
        }
        List<String> voters = new ArrayList<>(nodes);
        if (plan.hasArbiter()) {
            voters.add(ARBITER);
        } else if (nodes.size() % 2 == 0) {
            voters.add(distributors.get(0));
        }
        return voters;
    }

    private boolean isRunning(ClusterStatus.NodeStatus node) {
        return nodes.stream().anyMatch(c -> c.name().equals(node.name()) && c.pid() == node.pid() && c.isAlive());
    }

    private void watch(ChildProcess child, Consumer<String> tell) {
        try {
            while (true) {
                int exit = child.onExit().join();
                if (closing.await(END_IS_OURS_MILLIS, TimeUnit.MILLISECONDS)) {
                    return;
                }
                if (child.isAlive()) {
                    continue; // somebody has started it again already
                }
                tell.accept(child.name() + " has ended (exit code " + exit + ")"
                        + (plan.isRestarting() ? "; starting it again" : ""));
                if (!plan.isRestarting()) {
                    return;
                }
                child.restart(READY_LIMIT);
                tell.accept(child.name() + " is back, pid " + child.pid());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (CommandFailure e) {
            if (closing.getCount() > 0) {
                tell.accept(e.getMessage());
            }
        }
    }

    private void endChildren() {
        closing.countDown();
        List<ChildProcess> alive = all().stream().filter(ChildProcess::isAlive).toList();
        alive.forEach(ChildProcess::terminate);
        long end = System.nanoTime() + END_LIMIT.toNanos();
        for (ChildProcess child : alive) {
            child.end(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
        }
    }

    private List<ChildProcess> all() {
        List<ChildProcess> all = new ArrayList<>(distributors);
        all.addAll(nodes);
        all.addAll(arbiters);
        return all;
    }

    private Path directoryOf(String name) {
        return plan.directory().toAbsolutePath().resolve(name);
    }

    private Map<String, Object> settings(String name, ProcessRole role) {
        Map<String, Object> settings = new HashMap<>(plan.settings());
        settings.put(Setting.CLUSTER.key(), plan.cluster());
        settings.put(Setting.NAME.key(), name);
        settings.put(Setting.ROLE.key(), Setting.word(role));
        settings.put(Setting.DATABASE.key(), plan.database());
        settings.put(Setting.SERVICE.key(), plan.service());
        settings.put(Setting.DIRECTORY.key(), directoryOf(name).toString());
        settings.put(Setting.HOST.key(), plan.places().of(name).host());
        return settings;
    }

    private static void place(
            Map<String, Object> settings,
            List<String> nodes,
            List<String> voters,
            int hazelcastPort,
            List<String> members) {
        settings.put(Setting.NODES.key(), nodes);
        settings.put(Setting.VOTERS.key(), voters);
        settings.put(Setting.HAZELCAST_PORT.key(), Integer.toString(hazelcastPort));
        settings.put(Setting.HAZELCAST_MEMBERS.key(), members);
        LockstepConfig config = LockstepConfig.of(settings); // refuses wrong settings before anything is started
        if (config.role() == ProcessRole.NODE) {
            config.sqlConfig();
        }
    }

    private ChildProcess child(String name, ProcessRole role, Map<String, Object> settings) {
        return new ChildProcess(
                name, role, plan.places().of(name).host(), directoryOf(name), settings, javaCommand(name, role));
    }

    private List<String> javaCommand(String name, ProcessRole role) {
        List<String> command = new ArrayList<>(plan.places().of(name).command());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // Nobody reads it: it tells the process apart in ps, and to the next 'up', before the long class path.
        command.add("-Dlockstep.process=" + directoryOf(name));
        int heap =
                role == ProcessRole.NODE ? plan.heapMebibytes() : Math.min(SMALL_HEAP_MEBIBYTES, plan.heapMebibytes());
        command.add("-Xmx" + heap + "m");
        command.add("-XX:+UseSerialGC");
        if (Runtime.getRuntime().availableProcessors() <= FEW_PROCESSORS) {
            // The optimizing compiler would take a whole processor for half a minute after every start, from the
            // takeover
            // too: on two processors takeovers took 230 ms with it and 77 ms without.
            command.add("-XX:TieredStopAtLevel=1");
        }
        command.addAll(largePages());
        // By itself a JVM looks through its whole heap twice, 0.15 s each, before it has as much as ours need.
        command.add("-XX:MetaspaceSize=64m");
        command.add("-XX:-UsePerfData");
        // Netty's search for lost buffers notes a stack for every 128th one.
        command.add("-Dio.netty.leakDetection.level=disabled");
        command.addAll(sharedClasses());
        command.add("-Djava.net.preferIPv4Stack=true");
        command.add("-D" + ProcessShell.WATCH_PARENT + "=true");
        // Newer JVMs complain on standard error about what the Disruptor and Netty still use, and of native access.
        if (Runtime.version().feature() >= 23) {
            command.add("--sun-misc-unsafe-memory-access=allow");
        }
        if (Runtime.version().feature() >= 24) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(plan.jvmOptions());
        command.add("-cp");
        String classPath = System.getProperty("lockstep.classpath", System.getProperty("java.class.path"));
        command.add(absolute(classPath));
        command.add(Main.class.getName());
        return command;
    }

    /** The archive of class data that the script has made for this JVM; where it does not fit, the JVM says so and goes on. */
    private static List<String> sharedClasses() {
        String archive = System.getProperty("lockstep.archive", "");
        return archive.isEmpty() || !Files.exists(Path.of(archive))
                ? List.of("-Xshare:auto")
                : List.of(
                        "-Xshare:auto",
                        "-XX:SharedArchiveFile=" + archive,
                        "-Xlog:disable",
                        "-Xlog:all=warning:stderr"); // what the JVM says goes to the log, not between our lines
    }

    /**
     * Options of a JVM whose heap asks for large pages, where Linux leaves that to whoever wants them; none elsewhere. Several
     * processes share the processors, and each switch between them costs the addresses that a processor has looked up.
     */
    public static List<String> largePages() {
        Path setting = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
        try {
            return Files.isReadable(setting) && Files.readString(setting).contains("[madvise]")
                    ? List.of("-XX:+UseTransparentHugePages")
                    : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String absolute(String classPath) {
        List<String> parts = new ArrayList<>();
        for (String part : classPath.split(File.pathSeparator)) {
            if (!part.isEmpty()) {
                parts.add(Path.of(part).toAbsolutePath().toString());
            }
        }
        return String.join(File.pathSeparator, parts);
    }

    private static List<String> names(String prefix, int count) {
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            names.add(prefix + "-" + i);
        }
        return names;
    }

    static List<Integer> freePorts(int count) {
        Set<Integer> ports = new HashSet<>();
        while (ports.size() < count) {
            int port = ThreadLocalRandom.current().nextInt(FREE_PORT_LEAST, FREE_PORT_MOST);
            try (ServerSocket probe = new ServerSocket()) {
                probe.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                ports.add(port);
            } catch (IOException e) {
                LOG.debug("port {} is taken", port, e);
            }
        }
        return List.copyOf(ports);
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.INTERRUPTED, "interrupted while waiting for a backup to be in sync", e);
        }
    }
}
