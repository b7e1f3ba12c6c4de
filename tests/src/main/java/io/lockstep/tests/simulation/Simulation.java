package io.lockstep.tests.simulation;

import io.lockstep.tsdstore.StateCopy;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.View;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One schedule: a cluster of shipped cores under a swarm of faults, then everything heals and all must end well. The
 * same seed gives the same schedule. Owned by the thread that calls {@link #run}.
 */
public final class Simulation {
    static final Duration FAILURE_DETECTION = Duration.ofMillis(100);
    static final TsdStoreConfig STORE =
            TsdStoreConfig.defaults().withIdle(Duration.ofSeconds(3), Duration.ofSeconds(2));
    private static final long FAULTS_NS = Duration.ofMillis(1500).toNanos();
    private static final long HEAL_MAX_NS = Duration.ofSeconds(30).toNanos();

    final Scheduler scheduler;
    final Network network;
    final Ledger ledger = new Ledger();

    private final long seed;
    private final Faults faults;
    private final List<String> nodeNames = new ArrayList<>();
    private final List<String> voterNames = new ArrayList<>();
    private final Map<String, SimNode.Voter> voters = new HashMap<>();
    private final Map<String, SimNode> nodes = new HashMap<>();
    private final Map<String, SimDistributor> distributors = new HashMap<>();
    private final List<String> distributorNames = new ArrayList<>();
    private final List<SimClient> clients = new ArrayList<>();
    private final Map<Long, Ledger.History> copied = new HashMap<>();
    private boolean isHealed;
    private int takeovers;
    private int kills;

    /**
     * What a schedule came to.
     *
     * @param requests that clients sent
     * @param answers that gates let go
     * @param takeovers reigns after the first
     * @param kills of nodes and distributors
     * @param unknown requests whose clients could not learn their outcome
     * @param hash over the surviving history: equal for equal seeds
     */
    public record Result(long seed, long requests, long answers, int takeovers, int kills, long unknown, long hash) {}

    /** Draws a schedule. */
    public Simulation(long seed) {
        this.seed = seed;
        this.scheduler = new Scheduler(seed);
        this.faults = Faults.draw(scheduler.random);
        this.network = new Network(scheduler, faults);
        for (int i = 1; i <= faults.backups() + 1; i++) {
            nodeNames.add("node-" + i);
        }
        for (int i = 1; i <= faults.distributors(); i++) {
            distributorNames.add("distributor-" + i);
        }
        voterNames.addAll(nodeNames);
        if (voterNames.size() % 2 == 0) {
            voterNames.add(distributorNames.get(0));
        }
        for (String voter : voterNames) {
            voters.put(voter, new SimNode.Voter(voter, scheduler.random.nextLong() >>> 1 | 1));
        }
    }

    /** Runs it. @throws Violation with the seed and the last lines of the trace when a promise is broken */
    public Result run() {
        try {
            distributorNames.forEach(this::startDistributor);
            nodeNames.forEach(this::startNode);
            for (int i = 1; i <= 3; i++) {
                SimClient client = new SimClient(this, "client-" + i);
                network.put(client);
                clients.add(client);
            }
            scheduler.runUntil(scheduler.now() + Duration.ofMillis(400).toNanos());
            scheduleFaults();
            scheduler.runUntil(scheduler.now() + FAULTS_NS);
            heal();
            return settle();
        } catch (RuntimeException failure) {
            Violation violation =
                    new Violation("seed " + seed + ", " + faults + ": " + failure + "\n" + scheduler.traceText());
            violation.initCause(failure);
            throw violation;
        }
    }

    // ---- faults ----------------------------------------------------------------------------------------------------

    private void scheduleFaults() {
        every(faults.killEveryNs(), this::killSomething);
        every(faults.pauseEveryNs(), this::pauseSomething);
        every(faults.cutEveryNs(), this::cutSomething);
    }

    private void every(long meanNs, Runnable fault) {
        if (meanNs != Long.MAX_VALUE) {
            scheduler.after(scheduler.between(0, 2 * meanNs), () -> {
                if (!isHealed) {
                    fault.run();
                    every(meanNs, fault);
                }
            });
        }
    }

    private void killSomething() {
        if (scheduler.chance(0.2)) {
            SimDistributor victim = distributor(pick(distributorNames));
            if (victim.isAlive()) {
                kills++;
                victim.kill();
                clients.forEach(client -> scheduler.after(
                        scheduler.between(0, 2 * Scheduler.MS), () -> client.channelLost(victim.name(), 0)));
                scheduler.after(
                        scheduler.between(20 * Scheduler.MS, 600 * Scheduler.MS),
                        () -> startDistributor(victim.name()));
            }
            return;
        }
        SimNode active = active();
        SimNode victim = active != null && scheduler.chance(0.7) ? active : at(pick(nodeNames));
        if (victim.isAlive() && !isLastCopy(victim)) {
            kill(victim);
        }
    }

    /** Whether some view that a voter holds would have no living member left: the state is in memory only. */
    private boolean isLastCopy(SimNode victim) {
        for (SimNode.Voter voter : voters.values()) {
            Optional<View> view = voter.acceptor.record().value();
            if (view.isPresent()) {
                List<View.Member> members = new ArrayList<>(view.get().backups());
                members.add(view.get().active());
                boolean isSaved = members.stream().anyMatch(member -> {
                    SimNode node = at(member.name());
                    return node != victim && node.isAlive() && node.member().equals(member);
                });
                if (!isSaved) {
                    return true;
                }
            }
        }
        return false;
    }

    private void kill(SimNode victim) {
        kills++;
        victim.kill();
        View.Member gone = victim.member();
        disconnected(gone);
        scheduler.after(scheduler.between(50 * Scheduler.MS, 800 * Scheduler.MS), () -> startNode(victim.name()));
    }

    private void pauseSomething() {
        long lengthNs = scheduler.between(10 * Scheduler.MS, 600 * Scheduler.MS);
        if (scheduler.chance(0.2)) {
            distributor(pick(distributorNames)).pause(lengthNs);
        } else {
            SimNode active = active();
            (active != null && scheduler.chance(0.6) ? active : at(pick(nodeNames))).pause(lengthNs);
        }
    }

    private void cutSomething() {
        List<String> all = new ArrayList<>(nodeNames);
        all.addAll(distributorNames);
        String from = pick(all);
        String to = pick(all);
        if (!from.equals(to)) {
            network.cut(from, to);
            scheduler.after(scheduler.between(20 * Scheduler.MS, 700 * Scheduler.MS), () -> network.join(from, to));
        }
    }

    private <T> T pick(List<T> of) {
        return of.get(scheduler.random.nextInt(of.size()));
    }

    // ---- processes -------------------------------------------------------------------------------------------------

    private void startNode(String name) {
        SimNode node = new SimNode(this, name, Objects.requireNonNull(voters.get(name)));
        nodes.put(name, node);
        network.put(node);
        scheduler.trace("start " + node.member());
        connected(node);
    }

    private void startDistributor(String name) {
        SimDistributor distributor = new SimDistributor(this, name, voters.get(name));
        distributors.put(name, distributor);
        network.put(distributor);
        nodes.values().forEach(node -> connect(node, distributor));
    }

    private void connected(SimNode node) {
        distributors.values().forEach(distributor -> connect(node, distributor));
    }

    private void connect(SimNode node, SimDistributor distributor) {
        View.Member member = node.member();
        scheduler.after(scheduler.between(Scheduler.MS, 10 * Scheduler.MS), () -> {
            if (node.isAlive() && distributor.isAlive() && node.member().equals(member)) {
                distributor.nodeUp(member);
                node.greeted(distributor.member());
            }
        });
    }

    private void disconnected(View.Member gone) {
        distributors
                .values()
                .forEach(distributor ->
                        scheduler.after(scheduler.between(0, 2 * Scheduler.MS), () -> distributor.nodeDown(gone)));
        nodes.values().stream()
                .filter(node -> !node.name().equals(gone.name()))
                .forEach(node -> node.connectionLost(gone));
    }

    /** A node in the same process has another incarnation now. */
    void reconnected(View.Member before, SimNode node) {
        disconnected(before);
        connected(node);
    }

    void clientLeft(String distributor, View.Member client) {
        SimDistributor left = distributors.get(distributor);
        if (left != null) {
            scheduler.after(scheduler.between(0, Scheduler.MS), () -> left.clientGone(client));
        }
    }

    void closeClient(View.Member channel, View.Member by) {
        clientLeft(by.name(), channel);
        clients.stream()
                .filter(client -> client.name().equals(channel.name()))
                .forEach(client -> scheduler.after(
                        scheduler.between(0, Scheduler.MS),
                        () -> client.channelLost(by.name(), channel.incarnation())));
    }

    @Nullable SimDistributor someDistributor() {
        SimDistributor distributor = distributor(pick(distributorNames));
        return distributor.isAlive() ? distributor : null;
    }

    List<SimDistributor> distributors() {
        return distributors.values().stream().filter(SimDistributor::isAlive).toList();
    }

    private SimDistributor distributor(String name) {
        return Objects.requireNonNull(distributors.get(name));
    }

    private SimNode at(String name) {
        return Objects.requireNonNull(nodes.get(name));
    }

    List<String> nodeNames() {
        return nodeNames;
    }

    List<String> voters() {
        return voterNames;
    }

    // ---- copies and takeovers --------------------------------------------------------------------------------------

    void copied(Ledger.History history, StateCopy copy) {
        copied.put(copy.chain(), history.copy(copy.at().position()));
    }

    Ledger.History copiedHistory(long position, long chain) {
        Ledger.History history = copied.get(chain);
        if (history == null || history.lastPosition() != position) {
            throw new Violation("I5: a copy of a state that no node had, at " + position);
        }
        return history.copy(position);
    }

    void onPromoted(SimNode node, View view) {
        scheduler.trace(node.member() + " leads " + view);
        if (view.term() > 1) {
            takeovers++;
        }
        ledger.promoted(node.name(), node.history());
    }

    private @Nullable SimNode active() {
        SimNode found = null;
        for (String name : nodeNames) {
            SimNode node = at(name);
            if (node.isActive() && (found == null || term(node) > term(found))) {
                found = node;
            }
        }
        return found;
    }

    private static long term(SimNode node) {
        View view = node.view();
        return view == null ? 0 : view.term();
    }

    // ---- the end ---------------------------------------------------------------------------------------------------

    private void heal() {
        isHealed = true;
        network.heal();
        scheduler.trace("healed");
    }

    /** Everything ends, everybody is in sync, everything is equal. */
    private Result settle() {
        long deadlineNs = scheduler.now() + HEAL_MAX_NS;
        scheduler.runUntil(scheduler.now() + Duration.ofMillis(500).toNanos());
        clients.forEach(SimClient::stop);
        while (!isSettled() && scheduler.now() < deadlineNs) {
            scheduler.runUntil(scheduler.now() + 50 * Scheduler.MS);
        }
        SimNode active = active();
        if (!isSettled() || active == null) {
            List<String> where = new ArrayList<>();
            nodeNames.forEach(name -> where.add(at(name).describe()));
            clients.forEach(client -> where.add(client.describe()));
            distributors.values().forEach(distributor -> where.add(distributor.describe()));
            throw new Violation("I8: not settled " + HEAL_MAX_NS / Scheduler.MS + " ms after everything healed:\n  "
                    + String.join("\n  ", where));
        }
        ledger.survived(active.history());
        for (String name : nodeNames) {
            SimNode node = at(name);
            ledger.equal(name, node.history(), active.name(), active.history());
            if (node.position() == active.position() && node.digest() != active.digest()) {
                throw new Violation("I5: the states of " + name + " and " + active.name() + " differ");
            }
        }
        long requests = clients.stream().mapToLong(SimClient::requests).sum();
        long unknown = clients.stream().mapToLong(SimClient::unknown).sum();
        return new Result(
                seed,
                requests,
                ledger.answersGiven(),
                takeovers,
                kills,
                unknown,
                active.history().chainAt(active.history().lastPosition()));
    }

    private boolean isSettled() {
        SimNode active = active();
        if (active == null || !clients.stream().allMatch(SimClient::isIdle)) {
            return false;
        }
        View view = active.view();
        return view != null
                && view.backups().size() == faults.backups()
                && nodes.values().stream().allMatch(SimNode::isAlive)
                && nodes.values().stream().allMatch(node -> node == active || node.position() == active.position());
    }
}
