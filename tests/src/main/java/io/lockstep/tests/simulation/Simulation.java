package io.lockstep.tests.simulation;

import io.lockstep.membership.VoterRecord;
import io.lockstep.tests.checkers.History;
import io.lockstep.tests.checkers.Promises;
import io.lockstep.tests.checkers.Violation;
import io.lockstep.tests.workload.ListHistory;
import io.lockstep.tests.workload.SqlTransaction;
import io.lockstep.tsdstore.CopyInstaller;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.SqlRecords;
import io.lockstep.tsdstore.StateCopy;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.View;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One schedule: a cluster of shipped cores under a swarm of faults, then everything heals and all must end well. The
 * same {@link Schedule} gives the same events. Owned by the thread that calls {@link #run}.
 */
public final class Simulation {
    static final Duration FAILURE_DETECTION = Duration.ofMillis(100);
    private static final Duration TRANSACTION_IDLE = Duration.ofMillis(800);
    private static final TsdStoreConfig STORE =
            TsdStoreConfig.defaults().withIdle(Duration.ofMillis(1800), TRANSACTION_IDLE);
    private static final long START_NS = 60 * Scheduler.MS;
    private static final long HEAL_MAX_NS = 60_000 * Scheduler.MS;
    /** What was sent before everything healed has arrived by then. */
    private static final long ON_THE_WAY_NS = 1_500 * Scheduler.MS;

    /** After everything has healed, an active is to be found within this time. */
    private static final long UNDISTURBED_NS = 3_000 * Scheduler.MS;

    private static final long STEP_NS = 20 * Scheduler.MS;
    private static final long ZOMBIE_NS = 30_000 * Scheduler.MS;
    /** Clients send so much more slowly while others stand still for half a minute. */
    private static final long ZOMBIE_SLOWNESS = 40;

    private static final long HOUR_NS = 3_600_000 * Scheduler.MS;
    private static final int NODES_MAX = 3;
    private static final int DISTRIBUTORS_MAX = 2;
    private static final Moment[] MOMENTS = Moment.values();

    final Scheduler scheduler;
    /** Chance for what clients do. */
    final SplittableRandom workRandom;

    final Network network;
    final Promises promises;
    final Coverage coverage = new Coverage();
    /** What every run of a node holds, also after its end. */
    final Map<View.Member, ForwardLog> runs = new HashMap<>();

    private final Schedule schedule;
    private final SplittableRandom faultRandom;
    private final Faults faults;
    private final List<String> nodeNames = new ArrayList<>();
    private final List<String> distributorNames = new ArrayList<>();
    private final List<String> voterNames = new ArrayList<>();
    private final Map<String, SimVoter> voters = new LinkedHashMap<>();
    private final Map<String, SimNode> nodes = new LinkedHashMap<>();
    private final Map<String, SimDistributor> distributors = new LinkedHashMap<>();
    private final Map<String, SimClock> clocks = new HashMap<>();
    private final List<SimClient> clients = new ArrayList<>();
    private final Map<Long, Copied> copied = new HashMap<>();
    /** Runs that are over; see {@link #gaveUp}. */
    private final Set<View.Member> gone = new HashSet<>();

    private final Set<Identity> endedWithoutService = new HashSet<>();
    private final Intruder intruder;
    private final List<ListHistory.Transaction> sqlTransactions = new ArrayList<>();
    private final List<SqlTransaction> sqlEnds = new ArrayList<>();
    private long lastValue;

    /** By moment: what strikes when a message is there next. */
    private final @Nullable Runnable[] armed = new Runnable[MOMENTS.length];

    private int armedCount;
    /** What strikes at the next save of a voter; null when nothing does. */
    private @Nullable FaultKind armedSave;

    /** Whether the next node that looks for its active is ordered to lead. */
    private boolean isOrderArmed;

    private final Map<String, Long> slowUntilNs = new HashMap<>();
    private boolean isHealed;
    private boolean isDark;
    private int faultNumber;
    private int faultsStruck;
    private int requests;
    private int clientNumber;
    private int takeovers;
    private int kills;
    private boolean isPhaseOver;
    private boolean isWaitingForZombies;

    /** The state that a copy was taken of. */
    record Copied(History history, @Nullable MemoryBooks books) {}

    /**
     * What a schedule came to.
     *
     * @param requests that clients sent
     * @param sessions that clients opened
     * @param answers that gates let go
     * @param takeovers reigns after the first
     * @param kills of nodes, distributors and clients
     * @param faults that struck
     * @param unknown requests whose clients could not learn their outcome
     * @param isDark whether the last copy was lost, so that everybody must refuse
     * @param events that ran
     * @param hash over the events and the surviving history: equal for equal schedules
     */
    public record Result(
            long seed,
            int requests,
            int sessions,
            long answers,
            int takeovers,
            int kills,
            int faults,
            long unknown,
            boolean isDark,
            long events,
            long hash) {
        /** Whether it is one that counts: enough messages and sessions, a fault, both phases. */
        public boolean counts() {
            return requests >= Schedule.REQUESTS_MIN && sessions >= 3 && faults > 0;
        }
    }

    /** Draws the schedule of a seed. */
    public Simulation(long seed) {
        this(Schedule.of(seed, Schedule.Executor.MODEL), false);
    }

    /** Draws a schedule; {@code isTracing} keeps its timeline. */
    Simulation(Schedule schedule, boolean isTracing) {
        this.schedule = schedule;
        this.scheduler = new Scheduler(schedule.seed(), isTracing);
        SplittableRandom sources = new SplittableRandom(~schedule.seed());
        this.faultRandom = sources.split();
        this.workRandom = sources.split();
        this.faults = Faults.draw(sources.split(), schedule.without());
        this.network = new Network(this, faults);
        this.promises = new Promises(this::holds, UNDISTURBED_NS, TRANSACTION_IDLE.toNanos());
        this.intruder = new Intruder(this, NODES_MAX + DISTRIBUTORS_MAX + 4);
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
            voters.put(voter, new SimVoter(this, voter, newDiskId()));
        }
    }

    private long newDiskId() {
        return scheduler.random.nextLong() >>> 1 | 1;
    }

    private boolean holds(View.Member run, long position, long chain) {
        ForwardLog log = runs.get(run);
        if (log == null || position > log.lastPosition()) {
            return false;
        }
        // What it holds no more it has executed, so all held it.
        return !log.knows(position) || log.chainAt(position) == chain;
    }

    /** Runs it. @throws Violation when a promise is broken */
    public Result run() {
        try {
            distributorNames.forEach(this::startDistributor);
            nodeNames.forEach(this::startNode);
            for (int i = 0; i < faults.clients(); i++) {
                startClient(NODES_MAX + DISTRIBUTORS_MAX + i);
            }
            scheduler.runUntil(scheduler.now() + START_NS);
            scheduleFaults();
            scheduler.runUntil(scheduler.now() + faults.faultsNs());
            heal();
            return settle();
        } catch (RuntimeException broken) {
            // An invariant of the core's own, or worse: the process would end.
            Violation violation = new Violation("Invariant: " + broken);
            violation.initCause(broken);
            throw violation;
        } finally {
            nodes.values().stream().filter(SimNode::isAlive).forEach(node -> node.kill(0, 0));
        }
    }

    /** What happened so far, when it was traced. */
    List<String> timeline() {
        return scheduler.timeline();
    }

    /** The faults that were drawn, for a report. */
    String describe() {
        return faults.toString();
    }

    // ---- what may go wrong -----------------------------------------------------------------------------------------

    /** Whether the next fault is to strike: not when everything has healed, and not when this one is left out. */
    boolean strikes(FaultKind kind) {
        if (isHealed || schedule.suppressed().get(faultNumber++)) {
            return false;
        }
        faultsStruck++;
        if (scheduler.isTracing()) {
            scheduler.trace("fault " + (faultNumber - 1) + ": " + kind);
        }
        return true;
    }

    int faultsStruck() {
        return faultsStruck;
    }

    int faultNumber() {
        return faultNumber;
    }

    /** A kind has struck the world: counts for all moments at which messages are now. */
    private void cover(FaultKind kind) {
        for (Moment moment : MOMENTS) {
            if (isAnyIn(moment)) {
                coverage.count(kind, moment);
            }
        }
    }

    private boolean isAnyIn(Moment moment) {
        if (network.isAnyIn(moment)) {
            return true;
        }
        for (String name : nodeNames) {
            if (at(name).isIn(moment)) {
                return true;
            }
        }
        return false;
    }

    /** A message is at a moment: strikes what waits for that. */
    void reached(Moment moment) {
        if (armedCount == 0) {
            return;
        }
        Runnable fault = armed[moment.ordinal()];
        if (fault != null) {
            armed[moment.ordinal()] = null;
            armedCount--;
            scheduler.after(faultRandom.nextInt(3) == 0 ? faultRandom.nextLong(100 * Scheduler.US) : 0, () -> {
                if (!isHealed) {
                    fault.run();
                }
            });
        }
    }

    private void scheduleFaults() {
        faults.strikes().forEach((kind, times) -> {
            for (int i = 0; i < times; i++) {
                switch (kind.scope) {
                    case FRAME -> {
                        // The network draws for every frame.
                    }
                    case RUN -> {
                        if (i == 0 && strikes(kind)) {
                            for (Moment moment : MOMENTS) {
                                if (Coverage.impossible(kind, moment) == null) {
                                    coverage.count(kind, moment);
                                }
                            }
                        }
                    }
                    case DISK -> scheduler.after(faultRandom.nextLong(faults.faultsNs()), () -> armedSave = kind);
                    case WORLD -> scheduleStrike(kind);
                }
            }
        });
    }

    private void scheduleStrike(FaultKind kind) {
        long atNs = faultRandom.nextLong(faults.faultsNs());
        boolean atMoment = faultRandom.nextInt(4) > 0;
        Moment moment = MOMENTS[faultRandom.nextInt(MOMENTS.length)];
        Runnable fault = () -> strike(kind);
        scheduler.after(atNs, () -> {
            if (isHealed) {
                return;
            }
            boolean isPossible = moment != Moment.S5 && moment != Moment.S8 && moment != Moment.S12;
            if (atMoment && isPossible && armed[moment.ordinal()] == null) {
                armed[moment.ordinal()] = fault;
                armedCount++;
            } else {
                fault.run();
            }
        });
    }

    private void strike(FaultKind kind) {
        switch (kind) {
            case KILL -> killSomething();
            case PAUSE -> pauseSomething(kind, between(10 * Scheduler.MS, 500 * Scheduler.MS));
            case ZOMBIE -> pauseSomething(kind, ZOMBIE_NS);
            case CUT, ONE_WAY_CUT, CLOG -> spoilLink(kind);
            case PARTITION -> partition();
            case CLOCK_JUMP -> {
                if (strikes(kind)) {
                    cover(kind);
                    at(pick(nodeNames)).jump(between(-HOUR_NS, HOUR_NS));
                }
            }
            case CORRUPTION -> corruptSomething();
            case WRONG_REPEAT -> repeatWrongly();
            case NEW_DISK -> replaceDisk();
            case ALL_DARK -> killEverybody();
            case OVERRIDE -> override();
            default -> {
                // Poison strikes where it is executed, the others have been drawn.
            }
        }
    }

    private void killSomething() {
        int what = faultRandom.nextInt(20);
        if (what < 3) {
            SimDistributor victim = distributor(pick(distributorNames));
            if (victim.isAlive() && strikes(FaultKind.KILL)) {
                cover(FaultKind.KILL);
                killDistributor(victim);
            }
        } else if (what < 4) {
            SimClient victim = pick(clients);
            if (victim.isAlive() && strikes(FaultKind.KILL)) {
                cover(FaultKind.KILL);
                kills++;
                if (scheduler.isTracing()) {
                    scheduler.trace("kill " + victim.member());
                }
                promises.abandoned(victim.die());
                replace(victim);
            }
        } else {
            SimNode active = active();
            SimNode victim = active != null && what < 16 ? active : at(pick(nodeNames));
            if (victim.isAlive() && !isLastCopy(victim, null) && strikes(FaultKind.KILL)) {
                cover(FaultKind.KILL);
                kill(victim, between(20 * Scheduler.MS, 400 * Scheduler.MS));
            }
        }
    }

    /** Who is ordered to lead is one that could, now or when there is one. */
    private void override() {
        for (String name : nodeNames) {
            if (at(name).couldBeOrdered()) {
                overrideInVain(at(name));
                return;
            }
        }
        isOrderArmed = true;
    }

    /** A node looks for its active. */
    void seeksActive(SimNode node) {
        if (isOrderArmed) {
            isOrderArmed = false;
            scheduler.after(faultRandom.nextLong(2 * Scheduler.MS), () -> overrideInVain(node));
        }
    }

    /** The operator knows who has ended, and vouches for nobody else; so whoever is ordered to lead must not. */
    private void overrideInVain(SimNode node) {
        if (node.isAlive() && !isLastCopy(node, null) && strikes(FaultKind.OVERRIDE)) {
            cover(FaultKind.OVERRIDE);
            node.override(Set.copyOf(gone)::contains);
        }
    }

    /** Whether some view that a voter holds would have no living member left: the state is in memory only. */
    private boolean isLastCopy(@Nullable SimNode victim, @Nullable VoterRecord inSave) {
        if (inSave != null
                && inSave.value().isPresent()
                && isLastOf(inSave.value().get(), victim)) {
            return true;
        }
        for (SimVoter voter : voters.values()) {
            Optional<View> view = voter.record().value();
            if (view.isPresent() && isLastOf(view.get(), victim)) {
                return true;
            }
        }
        return false;
    }

    private boolean isLastOf(View view, @Nullable SimNode victim) {
        if (isOtherCopy(view.active(), victim)) {
            return false;
        }
        for (View.Member backup : view.backups()) {
            if (isOtherCopy(backup, victim)) {
                return false;
            }
        }
        return true;
    }

    private boolean isOtherCopy(View.Member member, @Nullable SimNode victim) {
        SimNode node = at(member.name());
        return node != victim && node.isCopy() && node.member().equals(member);
    }

    private void kill(SimNode victim, long restartAfterNs) {
        kills++;
        if (scheduler.isTracing()) {
            scheduler.trace(
                    "kill " + victim.member() + (victim.isActive() ? ", the active of term " + victim.term() : ""));
        }
        View.Member run = victim.member();
        boolean isLate = faultRandom.nextInt(4) == 0;
        victim.kill(
                faultRandom.nextBoolean() ? faultRandom.nextInt() : 0,
                isLate ? between(10 * Scheduler.MS, 600 * Scheduler.MS) : 0);
        gone.add(run);
        disconnected(run);
        scheduler.after(restartAfterNs, () -> startNode(run.name()));
    }

    private void killDistributor(SimDistributor victim) {
        kills++;
        if (scheduler.isTracing()) {
            scheduler.trace("kill " + victim.member());
        }
        victim.kill();
        String name = victim.member().name();
        clients.forEach(
                client -> scheduler.after(scheduler.between(0, 2 * Scheduler.MS), () -> client.channelLost(name, 0)));
        scheduler.after(scheduler.between(20 * Scheduler.MS, 400 * Scheduler.MS), () -> startDistributor(name));
    }

    private void pauseSomething(FaultKind kind, long lengthNs) {
        if (faultRandom.nextInt(6) == 0) {
            if (strikes(kind)) {
                cover(kind);
                distributor(pick(distributorNames)).pause(lengthNs);
            }
            return;
        }
        SimNode active = active();
        SimNode victim = active != null && faultRandom.nextInt(3) > 0 ? active : at(pick(nodeNames));
        // One that stands still and is alone holds everybody up for as long.
        if (victim.isAlive() && strikes(kind)) {
            cover(kind);
            if (scheduler.isTracing()) {
                scheduler.trace("pause " + victim.member() + " for " + lengthNs / Scheduler.MS + " ms");
            }
            victim.pause(lengthNs);
        }
    }

    private void spoilLink(FaultKind kind) {
        List<String> all = new ArrayList<>(nodeNames);
        all.addAll(distributorNames);
        String one = pick(all);
        String other = faultRandom.nextBoolean() ? pick(all) : pick(nodeNames);
        long lengthNs = between(10 * Scheduler.MS, 500 * Scheduler.MS);
        if (one.equals(other) || !strikes(kind)) {
            return;
        }
        cover(kind);
        if (scheduler.isTracing()) {
            scheduler.trace(kind + " " + one + " > " + other + " for " + lengthNs / Scheduler.MS + " ms");
        }
        Network.Host from = network.at(one);
        Network.Host to = network.at(other);
        if (kind == FaultKind.CLOG) {
            network.clog(from, to, lengthNs);
        } else {
            network.cut(from, to, lengthNs);
            if (kind == FaultKind.CUT) {
                network.cut(to, from, lengthNs);
            }
        }
    }

    private void partition() {
        List<String> all = new ArrayList<>(nodeNames);
        all.addAll(distributorNames);
        long sides = faultRandom.nextLong();
        long lengthNs = between(50 * Scheduler.MS, 600 * Scheduler.MS);
        if (!strikes(FaultKind.PARTITION)) {
            return;
        }
        cover(FaultKind.PARTITION);
        List<String> one = new ArrayList<>();
        List<String> other = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            ((sides >>> i & 1) == 0 ? one : other).add(all.get(i));
        }
        if (scheduler.isTracing()) {
            scheduler.trace("PARTITION " + one + " " + other + " for " + lengthNs / Scheduler.MS + " ms");
        }
        for (String left : one) {
            for (String right : other) {
                network.cut(network.at(left), network.at(right), lengthNs);
                network.cut(network.at(right), network.at(left), lengthNs);
            }
        }
    }

    private void corruptSomething() {
        SimNode victim = at(pick(nodeNames));
        if (victim.isAlive() && !isLastCopy(victim, null) && !isHealed) {
            FaultKind kind = FaultKind.CORRUPTION;
            if (victim.isIn(Moment.S13) && strikes(kind) && victim.corrupt()) {
                cover(kind);
            }
        }
    }

    private void repeatWrongly() {
        SimNode active = active();
        Request settled = pick(clients).settled();
        if (active != null && settled != null && strikes(FaultKind.WRONG_REPEAT)) {
            cover(FaultKind.WRONG_REPEAT);
            network.put(intruder);
            intruder.strike(active, settled, faultRandom);
        }
    }

    private void killEverybody() {
        if (strikes(FaultKind.ALL_DARK)) {
            cover(FaultKind.ALL_DARK);
            for (String name : nodeNames) {
                SimNode victim = at(name);
                if (victim.isAlive()) {
                    kill(victim, between(20 * Scheduler.MS, 400 * Scheduler.MS));
                }
            }
        }
    }

    /** Whether this execution ends the node; perhaps it says of what it dies (R17). */
    boolean diesOf(SimNode node, Identity session, long requestId) {
        if (isHealed || isLastCopy(node, null) || !strikes(FaultKind.POISON)) {
            return false;
        }
        cover(FaultKind.POISON);
        promises.diedOf(session, requestId);
        if (faultRandom.nextBoolean()) {
            for (String name : nodeNames) {
                network.send(node, name, new Frame.DeathNote(node.term(), session, requestId, "poison"));
            }
        }
        return true;
    }

    /** R17: two processes ended in the end of this session or of one of its transactions, so that no service hears of it. */
    void endsWithoutService(Identity session) {
        endedWithoutService.add(session);
    }

    /** A node has ended by itself. */
    void kill(SimNode victim) {
        kill(victim, between(20 * Scheduler.MS, 400 * Scheduler.MS));
    }

    // ---- disks -----------------------------------------------------------------------------------------------------

    /** What happens in this save. */
    SimDisk.Mishap mishapInSave(String voter, VoterRecord next) {
        FaultKind kind = armedSave;
        if (kind == null || isHealed) {
            return SimDisk.Mishap.NONE;
        }
        if (kind == FaultKind.SLOW_DISK) {
            armedSave = null;
            if (strikes(kind)) {
                cover(kind);
                slowUntilNs.put(voter, scheduler.now() + 300 * Scheduler.MS);
            }
            return SimDisk.Mishap.NONE;
        }
        SimNode node = nodes.get(voter);
        boolean isSpared = node != null && (!node.isAlive() || isLastCopy(node, next));
        boolean mayLoseIt = kind == FaultKind.TORN_WRITE || kind == FaultKind.BIT_FLIP;
        if (isSpared || (mayLoseIt && !mayLoseDisk(voter))) {
            return SimDisk.Mishap.NONE;
        }
        armedSave = null;
        if (!strikes(kind)) {
            return SimDisk.Mishap.NONE;
        }
        cover(kind);
        return switch (kind) {
            case POWER_OFF -> SimDisk.Mishap.POWER_OFF;
            case TORN_WRITE -> SimDisk.Mishap.TORN;
            case FAILED_FLUSH -> SimDisk.Mishap.FAILED;
            case BIT_FLIP -> {
                // Later, at rest: the save is whole by then.
                int slot = faultRandom.nextInt(2);
                scheduler.after(
                        Scheduler.US,
                        () -> Objects.requireNonNull(voters.get(voter)).disk().flip(slot));
                yield SimDisk.Mishap.NONE;
            }
            default -> SimDisk.Mishap.NONE;
        };
    }

    /** The process of this voter ended in a save. */
    void endInSave(String voter, IOException failure) {
        if (scheduler.isTracing()) {
            scheduler.trace(voter + " ends in a save: " + failure);
        }
        SimNode node = nodes.get(voter);
        SimDistributor distributor = distributors.get(voter);
        if (node != null && node.isAlive()) {
            kill(node, between(20 * Scheduler.MS, 400 * Scheduler.MS));
        } else if (distributor != null && distributor.isAlive()) {
            killDistributor(distributor);
        }
    }

    long flushNs(String voter) {
        boolean isSlow = !isHealed && slowUntilNs.getOrDefault(voter, 0L) > scheduler.now();
        return isSlow
                ? scheduler.between(20 * Scheduler.MS, 200 * Scheduler.MS)
                : scheduler.between(50 * Scheduler.US, 500 * Scheduler.US);
    }

    void saved(VoterRecord record) {
        List<VoterRecord> all = new ArrayList<>(voters.size());
        voters.values().forEach(voter -> all.add(voter.record()));
        promises.saved(record, all);
    }

    private void replaceDisk() {
        String name = pick(voterNames);
        SimNode node = nodes.get(name);
        SimDistributor distributor = distributors.get(name);
        boolean isSpared = node != null && (!node.isAlive() || isLastCopy(node, null));
        if (isSpared || !mayLoseDisk(name) || !strikes(FaultKind.NEW_DISK)) {
            return;
        }
        cover(FaultKind.NEW_DISK);
        SimVoter voter = Objects.requireNonNull(voters.get(name));
        voter.disk().flip(0);
        voter.disk().flip(1);
        if (node != null) {
            kill(node, between(20 * Scheduler.MS, 400 * Scheduler.MS));
        } else if (distributor != null && distributor.isAlive()) {
            killDistributor(distributor);
        }
    }

    /** R13 needs a majority of the full set among the others. */
    private boolean mayLoseDisk(String name) {
        for (Map.Entry<String, SimVoter> other : voters.entrySet()) {
            VoterRecord record = other.getValue().record();
            boolean isNamed = record.voting()
                    && record.value().isPresent()
                    && record.value().get().voters().stream().anyMatch(v -> v.diskId() == record.diskId());
            boolean isWhole =
                    other.getKey().equals(name) || other.getValue().disk().isWhole();
            if (!isNamed || !isWhole) {
                return false;
            }
        }
        return voters.containsKey(name);
    }

    private void restartVoter(String name) {
        SimVoter voter = voters.get(name);
        if (voter != null && !voter.restart()) {
            // The operator removes the file, as its message says.
            voter.restartWithNewDisk(newDiskId());
        }
    }

    // ---- chance ----------------------------------------------------------------------------------------------------

    private <T> T pick(List<T> of) {
        return of.get(faultRandom.nextInt(of.size()));
    }

    private long between(long leastNs, long mostNs) {
        return faultRandom.nextLong(leastNs, mostNs);
    }

    long thinkNs() {
        long thinkNs = workRandom.nextLong(2 * faults.thinkNs());
        return isWaitingForZombies ? thinkNs * ZOMBIE_SLOWNESS : thinkNs;
    }

    long logBytes() {
        return faults.logBytes();
    }

    boolean isPoisoned() {
        return faults.has(FaultKind.POISON);
    }

    void requested() {
        requests++;
        boolean isShort = schedule.requests() < Schedule.REQUESTS_MIN;
        if (requests == schedule.requests() && (isPhaseOver || isShort)) {
            clients.forEach(SimClient::stop);
        }
    }

    // ---- processes -------------------------------------------------------------------------------------------------

    private SimClock clock(String machine) {
        return clocks.computeIfAbsent(machine, same -> {
            boolean isOffset = faults.has(FaultKind.CLOCK_OFFSET);
            return new SimClock(
                    scheduler,
                    isOffset ? faultRandom.nextLong(100_000 * Scheduler.MS) : 0,
                    faults.has(FaultKind.CLOCK_DRIFT) ? faultRandom.nextLong(-10_000, 10_000) : 0,
                    isOffset ? faultRandom.nextLong(-10_000, 10_000) * Scheduler.MS : 0);
        });
    }

    private void startNode(String name) {
        restartVoter(name);
        SimNode node =
                new SimNode(this, nodeNames.indexOf(name), name, Objects.requireNonNull(voters.get(name)), clock(name));
        nodes.put(name, node);
        network.put(node);
        if (scheduler.isTracing()) {
            scheduler.trace("start " + node.member());
        }
        connected(node);
        voterIsBack();
    }

    private void startDistributor(String name) {
        restartVoter(name);
        SimDistributor distributor = new SimDistributor(
                this, NODES_MAX + distributorNames.indexOf(name), name, voters.get(name), clock(name));
        distributors.put(name, distributor);
        network.put(distributor);
        nodes.values().forEach(node -> connect(node, distributor));
        voterIsBack();
    }

    private void voterIsBack() {
        nodes.values().forEach(SimNode::voterSeen);
    }

    private void startClient(int index) {
        String name = "client-" + ++clientNumber;
        SimClient client = new SimClient(this, index, name, clock("client-" + index), faults.timeoutNs());
        network.put(client);
        clients.add(client);
        if (isPhaseOver && requests >= schedule.requests()) {
            client.stop();
        }
    }

    /** Its place is taken by another client, so that there is always enough to do. */
    private void replace(SimClient client) {
        scheduler.after(10 * Scheduler.MS, () -> startClient(client.index()));
    }

    void sessionLost(SimClient client) {
        if (!isDark) {
            replace(client);
        }
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
                .filter(node -> !node.member().name().equals(gone.name()))
                .forEach(node -> node.connectionLost(gone));
    }

    /**
     * A run gives its copy up by its own decision. It is as gone as one that was killed if another listed copy lives;
     * who gives up the last one loses what was answered, and is to be caught.
     */
    void gaveUp(SimNode node) {
        if (!isLastCopy(node, null)) {
            gone.add(node.member());
        }
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
        if (network.find(channel.name()) instanceof SimClient client) {
            scheduler.after(
                    scheduler.between(0, Scheduler.MS), () -> client.channelLost(by.name(), channel.incarnation()));
        }
    }

    @Nullable SimDistributor someDistributor() {
        SimDistributor distributor =
                distributor(distributorNames.get(scheduler.random.nextInt(distributorNames.size())));
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

    List<String> voterNames() {
        return voterNames;
    }

    // ---- state, copies and takeovers -------------------------------------------------------------------------------

    SimNode.State newState(ModelService.Taster taster) {
        if (schedule.executor() == Schedule.Executor.H2) {
            return new SimNode.State(
                    TsdStore.create(new ModelService(null, taster), new H2Records(), STORE), null, null);
        }
        MemoryBooks books = new MemoryBooks();
        ModelSql sql = newSql();
        return new SimNode.State(
                TsdStore.create(new ModelService(books, taster), new SqlRecords(sql), STORE), books, sql);
    }

    ModelSql newSql() {
        return new ModelSql(faults.lockTimeoutNs());
    }

    CopyInstaller newInstaller(@Nullable MemoryBooks books, @Nullable ModelSql sql, ModelService.Taster taster) {
        return books == null || sql == null
                ? TsdStore.installer(new ModelService(null, taster), new H2Records(), STORE)
                : TsdStore.installer(new ModelService(books, taster), new SqlRecords(sql), STORE);
    }

    // ---- SQL sessions ----------------------------------------------------------------------------------------------

    boolean hasSql() {
        return faults.hasSql() && schedule.executor() == Schedule.Executor.MODEL;
    }

    long nextTransaction() {
        return sqlTransactions.size() + 1L;
    }

    long nextValue() {
        return ++lastValue;
    }

    void began(ListHistory.Transaction history, SqlTransaction end) {
        sqlTransactions.add(history);
        sqlEnds.add(end);
    }

    /** Somebody waited in vain. */
    void met(ModelSql.Status status) {
        coverage.met(status);
    }

    private void judgeLists(ModelSql sql) {
        for (SqlTransaction end : sqlEnds) {
            if (end.fate == SqlTransaction.Fate.OPEN) {
                boolean isCommitSent = end.commitSentNs != Long.MAX_VALUE;
                end.fate = isCommitSent ? SqlTransaction.Fate.UNCERTAIN : SqlTransaction.Fate.ROLLED_BACK;
            }
        }
        Map<Integer, List<Long>> lists = new HashMap<>();
        for (int list = 0; list < ModelSql.LISTS; list++) {
            lists.put(list, sql.lists().get(list));
        }
        new ListHistory(sqlTransactions, lists).judge(new ListHistory.Findings() {
            @Override
            public void lost(String what) {
                throw new Violation("I1, I11: lost: " + what);
            }

            @Override
            public void doubled(String what) {
                throw new Violation("I2, I11: " + what);
            }

            @Override
            public void wrong(String what) {
                throw new Violation("Isolation: " + what);
            }

            @Override
            public void note(String line) {
                // What READ COMMITTED allows is no violation.
            }
        });
    }

    void copied(History history, @Nullable MemoryBooks books, StateCopy copy) {
        copied.put(copy.chain(), new Copied(history.copy(copy.at().position()), books == null ? null : books.copy()));
    }

    Copied copied(long position, long chain) {
        Copied found = copied.get(chain);
        if (found == null || found.history().lastPosition() != position) {
            throw new Violation("I5: a copy of a state that no node had, at " + position);
        }
        return found;
    }

    void onPromoted(SimNode node, View view) {
        if (scheduler.isTracing()) {
            scheduler.trace(node.member() + " leads " + view);
        }
        if (isDark) {
            throw new Violation("R7: " + node.member() + " leads, though no listed run lives: " + view);
        }
        if (view.term() > 1) {
            takeovers++;
        }
        promises.promoted(node.member(), view, node.history());
    }

    private @Nullable SimNode active() {
        SimNode found = null;
        for (String name : nodeNames) {
            SimNode node = at(name);
            if (node.isActive() && (found == null || node.term() > found.term())) {
                found = node;
            }
        }
        return found;
    }

    // ---- the end ---------------------------------------------------------------------------------------------------

    private void heal() {
        isHealed = true;
        network.heal();
        if (scheduler.isTracing()) {
            scheduler.trace("healed");
        }
        // Who stands still goes on by and by; the clients have enough to do until then.
        long stillUntilNs = 0;
        for (String name : nodeNames) {
            stillUntilNs = Math.max(stillUntilNs, at(name).pausedUntilNs());
        }
        for (String name : distributorNames) {
            stillUntilNs = Math.max(stillUntilNs, distributor(name).pausedUntilNs());
        }
        isWaitingForZombies = stillUntilNs - scheduler.now() > ZOMBIE_NS / 2;
        scheduler.runUntil(Math.max(scheduler.now(), stillUntilNs));
        isWaitingForZombies = false;
        promises.healed(scheduler.now());
        isPhaseOver = true;
        if (requests >= schedule.requests()) {
            clients.forEach(SimClient::stop);
        }
    }

    /** Everything ends, everybody is in sync, everything is equal. */
    private Result settle() {
        long beganNs = scheduler.now();
        boolean isClosing = false;
        while (!isSettled(isClosing) && scheduler.now() - beganNs < HEAL_MAX_NS) {
            scheduler.runUntil(scheduler.now() + STEP_NS);
            restartUnfit();
            if (!isDark && isEverybodyLost() && scheduler.now() - beganNs > ON_THE_WAY_NS) {
                return endInDarkness();
            }
            if (!isClosing && requests >= schedule.requests() && isEverybodyIdle()) {
                isClosing = true;
                for (int i = 0; i < clients.size(); i += 2) {
                    clients.get(i).close();
                }
            }
        }
        SimNode active = active();
        if (active == null || !isSettled(isClosing)) {
            throw new Violation(
                    "I8: not settled " + HEAL_MAX_NS / Scheduler.MS + " ms after everything healed:\n  " + whereAll());
        }
        promises.survived(active.history());
        for (String name : nodeNames) {
            SimNode node = at(name);
            promises.equal(name, node.history(), active.member().name(), active.history());
            if (node.position() == active.position()) {
                compare(node, active);
            }
        }
        ModelSql sql = active.sql();
        if (sql != null) {
            judgeLists(sql);
        }
        MemoryBooks books = active.books();
        if (books != null) {
            promises.survivedChanges(books.version()[0]);
            long[] sums = books.sums();
            if (sums[0] + sums[1] != Books.ACCOUNTS * Books.BALANCE
                    || (active.openTransactions() == 0 && books.holdsForOthersThan(endedWithoutService))) {
                throw new Violation("I11: " + sums[0] + " free and " + sums[1] + " held with "
                        + active.openTransactions() + " transactions open");
            }
        }
        return result(active.history().chainAt(active.history().lastPosition()));
    }

    private static void compare(SimNode node, SimNode active) {
        MemoryBooks ours = node.books();
        MemoryBooks theirs = active.books();
        boolean isBooksEqual = ours == null || theirs == null || ours.isEqual(theirs);
        if (!isBooksEqual || node.digest() != active.digest()) {
            throw new Violation("I5: the states of " + node.member() + " and " + active.member() + " differ");
        }
    }

    private Result result(long chain) {
        int sessions = 0;
        for (SimClient client : clients) {
            sessions += client.hasSession() ? 1 : 0;
        }
        return new Result(
                schedule.seed(),
                requests,
                sessions,
                promises.answers(),
                takeovers,
                kills,
                faultsStruck,
                promises.unknown(),
                isDark,
                scheduler.events(),
                scheduler.hash() * 31 + chain);
    }

    private String whereAll() {
        List<String> where = new ArrayList<>();
        nodeNames.forEach(name -> where.add(at(name).describe()));
        clients.forEach(client -> where.add(client.describe()));
        distributors.values().forEach(distributor -> where.add(distributor.describe()));
        where.add("newest view " + promises.newestView());
        return String.join("\n  ", where);
    }

    /** What is kept for an operator to decide is given up by the operator, as soon as another one leads. */
    private void restartUnfit() {
        SimNode active = active();
        for (String name : nodeNames) {
            SimNode node = at(name);
            if (node.isUnfit() && active != null && active != node) {
                kill(node, 20 * Scheduler.MS);
            }
        }
    }

    /** Whether every run that the register lists is over: nobody may lead any more (R7). */
    private boolean isEverybodyLost() {
        View view = promises.newestView();
        if (view == null || !gone.contains(view.active()) || active() != null) {
            return false;
        }
        return gone.containsAll(view.backups()) && !isAnybodyAccepted(view.version());
    }

    /** Whether a voter holds a value of a later version that lists a run which lives: that may have been chosen. */
    private boolean isAnybodyAccepted(long version) {
        for (SimVoter voter : voters.values()) {
            View accepted = voter.record().value().orElse(null);
            if (accepted != null
                    && accepted.version() > version
                    && !(gone.contains(accepted.active()) && gone.containsAll(accepted.backups()))) {
                return true;
            }
        }
        return false;
    }

    boolean isDark() {
        return isDark;
    }

    /** All requests end, none is executed, and every node says that it waits. */
    private Result endInDarkness() {
        isDark = true;
        clients.forEach(SimClient::stop);
        long answers = promises.answers();
        scheduler.runUntil(scheduler.now() + 2_000 * Scheduler.MS + 2 * faults.timeoutNs());
        for (String name : nodeNames) {
            if (!at(name).isLocating()) {
                throw new Violation("R7: " + at(name).describe() + ", though every listed run was killed");
            }
        }
        if (promises.answers() != answers) {
            throw new Violation("R7: somebody answered after every listed run was killed");
        }
        promises.allEnded();
        return result(answers);
    }

    private boolean isEverybodyIdle() {
        for (SimClient client : clients) {
            if (!client.isIdle()) {
                return false;
            }
        }
        return true;
    }

    private boolean isSettled(boolean isClosing) {
        SimNode active = active();
        if (!isClosing || active == null || !isEverybodyIdle()) {
            return false;
        }
        View view = active.view();
        if (view == null || view.backups().size() != faults.backups()) {
            return false;
        }
        for (SimVoter voter : voters.values()) {
            if (!voter.record().voting()) {
                return false;
            }
        }
        for (String name : nodeNames) {
            SimNode node = at(name);
            if (!node.isAlive() || node.position() != active.position()) {
                return false;
            }
        }
        return true;
    }
}
