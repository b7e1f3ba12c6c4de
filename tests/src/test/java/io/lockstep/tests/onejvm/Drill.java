package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.DigestAnswer;
import io.lockstep.server.ClusterStatus;
import io.lockstep.wire.Frame;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A cluster in this JVM: the shipped nodes and distributors over real sockets and register files, and cables between
 * them. A test tells one failure with it and ends with {@link #check}. Used by the test's thread only.
 */
final class Drill implements AutoCloseable {
    static final String CLUSTER = "drill";
    static final Duration LIMIT = Duration.ofSeconds(30);
    static final Duration LOOK = Duration.ofMillis(5);

    private final Witness witness = new Witness();
    private final Wiring wiring = new Wiring(witness::onFrame);
    private final List<NodeActor> nodes = new ArrayList<>();
    private final List<DistributorActor> distributors = new ArrayList<>();
    private final List<ClientActor> clients = new ArrayList<>();
    private final List<SqlActor> applications = new ArrayList<>();
    private @Nullable ClientActor auditor;

    /** What a drill's cluster consists of. */
    record Plan(int nodes, int distributors, Duration failureDetection, Duration sessionGrace, String classes) {
        /** Silence is suspected late enough that a machine with other work to do accuses nobody. */
        static Plan ordinary() {
            return new Plan(2, 1, Duration.ofMillis(800), Duration.ofSeconds(10), "");
        }

        Plan withNodes(int count) {
            return new Plan(count, distributors, failureDetection, sessionGrace, classes);
        }

        Plan withDistributors(int count) {
            return new Plan(nodes, count, failureDetection, sessionGrace, classes);
        }

        Plan withFailureDetection(Duration silence) {
            return new Plan(nodes, distributors, silence, sessionGrace, classes);
        }

        Plan withSessionGrace(Duration grace) {
            return new Plan(nodes, distributors, failureDetection, grace, classes);
        }

        /** Functions, aggregates and triggers may be made of these. */
        Plan withClasses(Class<?>... allowed) {
            String names = Stream.of(allowed).map(Class::getName).collect(Collectors.joining(","));
            return new Plan(nodes, distributors, failureDetection, sessionGrace, names);
        }
    }

    private Drill() {}

    /** Starts everything and waits until all nodes are in sync. */
    static Drill start(Path folder, Plan plan) {
        Drill drill = new Drill();
        try {
            drill.build(folder, plan);
            drill.awaitInSync(plan.nodes() - 1);
            return drill;
        } catch (RuntimeException | Error e) {
            drill.close();
            throw e;
        }
    }

    private void build(Path folder, Plan plan) {
        List<String> names =
                IntStream.rangeClosed(1, plan.nodes()).mapToObj(i -> "n" + i).toList();
        boolean isDistributorVoter = plan.nodes() % 2 == 0;
        List<String> voters = isDistributorVoter
                ? Stream.concat(names.stream(), Stream.of("d1")).toList()
                : names;
        String settings = "cluster: " + CLUSTER + "\nnodes: " + names + "\nvoters: " + voters
                + "\nhazelcast-port: 1\nhazelcast-members: ['127.0.0.1:1']\nfailure-detection: "
                + plan.failureDetection().toMillis() + "ms\nmessage-max-bytes: 512KiB\nforward-log-bytes: 1MiB\n"
                + (plan.classes().isEmpty() ? "" : "databases.lockstep.classes: '" + plan.classes() + "'\n");
        for (int i = 1; i <= plan.distributors(); i++) {
            distributors.add(
                    new DistributorActor(this, "d" + i, folder, isDistributorVoter && i == 1, plan.sessionGrace()));
        }
        names.forEach(name -> nodes.add(new NodeActor(this, name, folder, settings)));
        nodes.forEach(NodeActor::start);
    }

    Wiring wiring() {
        return wiring;
    }

    Witness witness() {
        return witness;
    }

    /** For the timeline that a failed drill prints. */
    void say(String event) {
        witness.say(event);
    }

    /** A process has ended itself, which no drill here intends. */
    void died(String name, String reason) {
        witness.complain(name + " has ended itself: " + reason);
    }

    // ---- who is who ------------------------------------------------------------------------------------------------

    NodeActor node(String name) {
        return nodes.stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    List<NodeActor> nodes() {
        return List.copyOf(nodes);
    }

    private Stream<NodeActor> living() {
        return nodes.stream().filter(NodeActor::isAlive);
    }

    /** The active of the highest term; waits for one. */
    NodeActor active() {
        return Objects.requireNonNull(await().atMost(LIMIT)
                .pollInterval(LOOK)
                .until(
                        () -> living().filter(each -> each.status().role().equals("ACTIVE"))
                                .max((a, b) -> Long.compare(
                                        a.status().term(), b.status().term()))
                                .orElse(null),
                        Objects::nonNull));
    }

    /** Those who believe that they are active. */
    List<NodeActor> actives() {
        return living().filter(each -> each.status().role().equals("ACTIVE")).toList();
    }

    /** A living node that is not the active. */
    NodeActor backup() {
        NodeActor active = active();
        return living().filter(each -> each != active).findFirst().orElseThrow();
    }

    DistributorActor distributor(int number) {
        return distributors.get(number - 1);
    }

    long term() {
        return active().status().term();
    }

    /** A client that knows all distributors, the first one first. */
    ClientActor client(String name) {
        return client(name, distributors);
    }

    /** A client that knows these distributors. */
    ClientActor client(String name, List<DistributorActor> itsDistributors) {
        ClientActor client = new ClientActor(this, name, doors(name, itsDistributors));
        clients.add(client);
        return client;
    }

    /** An application with a JDBC connection through all distributors, the first one first. */
    SqlActor application(String name) {
        return application(name, distributors);
    }

    /** An application whose URL has these properties, like {@code name=value}. */
    SqlActor application(String name, String properties) {
        return application(name, distributors, "app", "app", properties);
    }

    /** An application of a user that the owner has made. */
    SqlActor application(String name, String user, String password) {
        return application(name, distributors, user, password, "");
    }

    /** An application whose JDBC connection knows these distributors. */
    SqlActor application(String name, List<DistributorActor> itsDistributors) {
        return application(name, itsDistributors, "app", "app", "");
    }

    private SqlActor application(
            String name, List<DistributorActor> itsDistributors, String user, String password, String properties) {
        SqlActor application = new SqlActor(this, name, doors(name, itsDistributors), user, password, properties);
        applications.add(application);
        return application;
    }

    private List<InetSocketAddress> doors(String name, List<DistributorActor> itsDistributors) {
        return itsDistributors.stream()
                .filter(DistributorActor::isAlive)
                .map(each -> wiring.cable(name, each.name(), each.address()).address())
                .toList();
    }

    // ---- cables ----------------------------------------------------------------------------------------------------

    /** What one process says to another, by name. */
    Way way(Object from, Object to) {
        return wiring.way(from.toString(), to.toString());
    }

    /** What the node says to other nodes. */
    List<Way> toNodes(NodeActor from) {
        return nodes.stream().filter(to -> to != from).map(to -> way(from, to)).toList();
    }

    /** What distributors say to the node. */
    List<Way> fromDistributors(NodeActor to) {
        return distributors.stream().map(from -> way(from, to)).toList();
    }

    /** What the node says to distributors. */
    List<Way> toDistributors(NodeActor from) {
        return distributors.stream().map(to -> way(from, to)).toList();
    }

    /** Nothing passes between these two, either way. */
    void cut(Object one, Object other) {
        say("cut " + one + " from " + other);
        way(one, other).cut();
        way(other, one).cut();
    }

    /** What passed between these two before passes again. */
    void heal(Object one, Object other) {
        say("heal " + one + " and " + other);
        way(one, other).heal();
        way(other, one).heal();
    }

    void healAll() {
        say("heal everything");
        ways().forEach(Way::heal);
    }

    /** Every direction between two processes. */
    List<Way> ways() {
        return wiring.ways();
    }

    /** Waits until so many further frames of that kind have been said. */
    static void awaitSaid(List<Way> ways, Class<? extends Frame> kind, Runnable said, int count) {
        AtomicInteger heard = new AtomicInteger();
        ways.forEach(way -> way.observe(frame -> {
            if (kind.isInstance(frame)) {
                heard.incrementAndGet();
            }
        }));
        said.run();
        await().atMost(LIMIT).pollInterval(LOOK).until(() -> heard.get() >= count);
    }

    /** Waits until one of these holds a frame. */
    static void awaitHeld(List<Way> ways) {
        await().atMost(LIMIT).pollInterval(LOOK).until(() -> ways.stream().anyMatch(Way::isHolding));
    }

    /** Waits until there is one active whose view lists so many backups that are alive. */
    void awaitInSync(int backups) {
        await().atMost(LIMIT).pollInterval(LOOK).until(() -> {
            ClusterStatus.NodeStatus active = active().status();
            List<String> others = living().map(NodeActor::status)
                    .filter(each -> !each.role().equals("ACTIVE"))
                    .map(each -> each.name() + "/" + each.incarnation())
                    .toList();
            List<String> listed = active.inSyncBackups();
            return listed != null
                    && listed.stream().filter(others::contains).count() == backups
                    && listed.size() == backups;
        });
    }

    /** Whoever has fallen begins another run, and all are in sync. */
    void comeBack() {
        healAll();
        nodes.stream().filter(each -> !each.isAlive()).forEach(NodeActor::start);
        awaitInSync(nodes.size() - 1);
    }

    // ---- the end of every drill ------------------------------------------------------------------------------------

    /**
     * The checkers: every message is answered, each has counted once, nobody saw two answers to one message, the records
     * are what the ledgers say, and all nodes that live hold the same.
     */
    void check() {
        healAll();
        for (ClientActor client : clients) {
            client.tallies().forEach(tally -> tally.all().forEach(ClientActor.Asked::awaitAnswer));
        }
        int backups = (int) living().count() - 1;
        awaitInSync(backups);
        ClientActor auditor = auditor();
        DigestAnswer digest = auditor.door().digestAsync().toCompletableFuture().join();
        List<String> inLedgers = clients.stream()
                .flatMap(client -> client.tallies().stream())
                .filter(tally -> tally.ending() != ClientActor.Ending.OPEN)
                .map(ClientActor.Tally::line)
                .toList();
        assertThat(records(auditor))
                .as("every transaction that ended, with its sum")
                .containsExactlyInAnyOrderElementsOf(inLedgers);
        await().atMost(LIMIT).pollInterval(LOOK).untilAsserted(() -> assertThat(living().map(NodeActor::status))
                .allSatisfy(each -> assertThat(each.executedPosition()).isGreaterThanOrEqualTo(digest.position())));
        awaitInSync(backups);
        witness.check();
    }

    /** What the records show: a line for each transaction that has ended. */
    List<String> records() {
        return records(auditor());
    }

    private static List<String> records(ClientActor auditor) {
        return Stream.of(ClientActor.text(auditor.door().read(new byte[0])).split("\n"))
                .filter(line -> !line.isEmpty())
                .toList();
    }

    private ClientActor auditor() {
        ClientActor known = auditor;
        if (known == null) {
            known = client("auditor");
            auditor = known;
        }
        return known;
    }

    @Override
    public void close() {
        applications.forEach(SqlActor::close);
        clients.parallelStream().forEach(client -> client.door().close());
        nodes.stream().filter(NodeActor::isAlive).forEach(NodeActor::kill);
        distributors.stream().filter(DistributorActor::isAlive).forEach(DistributorActor::kill);
        wiring.close();
    }
}
