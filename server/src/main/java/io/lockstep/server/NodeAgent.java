package io.lockstep.server;

import io.lockstep.activenode.ActiveNode;
import io.lockstep.activenode.ActiveNodeConfig;
import io.lockstep.activenode.ActivePort;
import io.lockstep.backupnode.BackupEffects;
import io.lockstep.backupnode.BackupNode;
import io.lockstep.backupnode.BackupNodeConfig;
import io.lockstep.backupnode.BackupPort;
import io.lockstep.backupnode.BackupState;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.Members;
import io.lockstep.membership.MembersListener;
import io.lockstep.membership.RegisterAcceptor;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.membership.RegisterProposer;
import io.lockstep.membership.ViewRegister;
import io.lockstep.membership.ZooKeeperClient;
import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.Recording;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.tsdstore.sql.SqlConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.NetworkLoop;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.Transport;
import io.lockstep.wire.View;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node: holds the role that it has at the moment, carries frames between network and role, and changes the role.
 * Lives on the thread 'node', which reads and writes the sockets too: a frame is acted on as it is read, and what follows
 * from all that was read together leaves together. Other threads leave work for it. Nothing here may wait.
 */
final class NodeAgent {
    private static final Logger LOG = LoggerFactory.getLogger(NodeAgent.class);
    private static final Duration TICK = Duration.ofMillis(5);
    private static final long TICK_NS = TICK.toNanos();
    private static final long STATUS_NS = 200_000_000L;
    private static final long NOTICE_NS = 500_000_000L;
    /** A term that a distributor names is looked up in the register at most so often. */
    private static final long HINT_NS = 500_000_000L;

    /** Time for the last words of a dying process to leave it. */
    private static final Duration LAST_WORDS = Duration.ofMillis(100);

    private final LockstepConfig config;
    private final Node.Surroundings around;
    private final NetworkLoop loop;
    private final Transport transport;
    private final @Nullable RegisterAgent register;
    private final @Nullable ZooKeeperClient zooKeeper;
    private final TransactionService service;
    private final Map<String, EffectRunner> runners;
    private final TsdStoreConfig storeConfig;
    private final SqlConfig sqlConfig;
    private final @Nullable Recording recording;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, PeerLink> links = new LinkedHashMap<>();
    private final PeerRules rules;
    private final Watchdog watchdog;
    private final HeapGuard heap;
    private final AtomicLong lastHintNs = new AtomicLong(System.nanoTime() - HINT_NS);
    /** Distributors and arbiters that are connected to us, by name. */
    private final Map<String, Connection> inbound = new HashMap<>();

    private final LongSupplier seeds = seeds();

    /** Whether {@link #round} is asked for and has not begun. */
    private final AtomicBoolean isRoundDue = new AtomicBoolean();

    /** Closed, or dying: nothing happens any more. */
    private volatile boolean isOver;

    /** Ends a former role, whose lane may take its time; null when none ends. */
    private volatile @Nullable Thread leaving;

    private volatile @Nullable Members members;

    /** Known once the network listens; set before the agent starts. */
    private int peerPort;

    /** What network threads hand requests to; null while this node is no active. */
    private volatile @Nullable ActiveNode active;

    /** Whether the active takes no new requests, since it is alone. */
    private volatile boolean isStopped;

    private final NodeStatus status;

    /** What arrived before the start, in order; null from then on. Touched only by the agent. */
    private @Nullable List<Runnable> early = new ArrayList<>();

    /** Whether the agent is in the middle of something, which nothing else may interrupt. Touched only by the agent. */
    private boolean isActing;

    // Touched only by the agent; together they are the present run of the node.
    private View.Member self;
    private ViewRegister viewRegister;
    /** The register itself, where voters hold it; null where ZooKeeper does. */
    private @Nullable RegisterProposer proposer;

    private ForwardLog log;
    private @Nullable BackupNode backup;
    /** The reign, from promotion until it is closed; {@link #active} is what others may use of it. */
    private @Nullable ActiveNode reign;

    private @Nullable TsdStore activeStore;
    private @Nullable View view;
    private @Nullable Takeover takeover;
    /** An operator's order to lead with what it holds, while it is carried out. */
    private @Nullable OverrideOrder overriding;
    /** The last reign of this process that somebody else ended; outlives its incarnation. */
    private @Nullable FormerReign formerReign;

    /** Compares this run's tables with the active's. */
    private Comparison comparison;
    /** What is known of this run's difference from its active, which keeps it out of the view; empty without one. */
    private String divergence = "";
    /** Nodes that differ from us, who lead. */
    private final Map<String, DifferingNode> differing = new LinkedHashMap<>();

    /** Why this process last began anew; empty when it never did. */
    private String anewBecause = "";

    private Instant candidateAt = Instant.EPOCH;
    private Instant agreedAt = Instant.EPOCH;
    private String formerActive = "";
    private long lastTickNs;
    private long lastStatusNs;
    private long lastNoticeNs;
    /** Whether a voter was connected since the register was last asked: its disk may be new (R13). */
    private boolean isVoterSeen;

    NodeAgent(
            LockstepConfig config,
            long incarnation,
            Node.Surroundings around,
            NetworkLoop loop,
            Transport transport,
            @Nullable RegisterAgent register,
            @Nullable ZooKeeperClient zooKeeper,
            TransactionService service,
            Map<String, EffectRunner> runners,
            @Nullable Recording recording) {
        this.config = config;
        this.around = around;
        this.loop = loop;
        this.transport = transport;
        this.register = register;
        this.zooKeeper = zooKeeper;
        this.service = service;
        this.runners = Map.copyOf(runners);
        this.recording = recording;
        this.sqlConfig = config.sqlConfig();
        this.storeConfig = TsdStoreConfig.defaults()
                .withIdle(config.limits().sessionLimit(), config.limits().transactionLimit());
        for (String node : config.nodes()) {
            if (!node.equals(config.name())) {
                links.put(node, new PeerLink(node, transport, listener(), new LinkEvents()));
            }
        }
        this.status = new NodeStatus(config, around.pid());
        this.heap = new HeapGuard(config.sqlLimits().heapMaxPercent());
        this.watchdog = new Watchdog(config.limits().executionLimit());
        this.rules = new PeerRules(config.name(), config.nodes(), config.voters());
        this.self = new View.Member(config.name(), incarnation);
        this.viewRegister = newRegister();
        this.log = new ForwardLog(config.limits().forwardLogBytes());
        this.comparison = new Comparison(new Comparing());
        this.backup = newBackup();
    }

    /** Seeds need not be secret, only unforeseen; one secure draw each would cost the lane a system call. */
    private LongSupplier seeds() {
        java.util.SplittableRandom source = new java.util.SplittableRandom(random.nextLong());
        return source::nextLong;
    }

    /**
     * Begins to work.
     *
     * @param listeningPort where other processes reach us
     * @param found tells where they are
     */
    void start(int listeningPort, Members found) {
        peerPort = listeningPort;
        members = found;
        loop.execute(this::begin);
        found.listen(new MembersListener() {
            @Override
            public void onAppeared(Endpoint endpoint) {
                onAgent(() -> found(endpoint));
            }

            @Override
            public void onChanged(Endpoint before, Endpoint endpoint) {
                onAgent(() -> found(endpoint));
            }

            @Override
            public void onGone(Endpoint endpoint) {
                onAgent(() -> suspect(endpoint.name(), endpoint.incarnation()));
            }
        });
    }

    private Endpoint endpoint() {
        return new Endpoint(self.name(), Peer.Role.NODE, self.incarnation(), around.pid(), config.host(), peerPort, 0);
    }

    private void found(Endpoint endpoint) {
        PeerLink link = links.get(endpoint.name());
        if (link != null) {
            link.at(endpoint, System.nanoTime());
        }
    }

    // ---- the agent's rounds ----------------------------------------------------------------------------------------

    private void begin() {
        List<Runnable> arrived = Objects.requireNonNull(early, "begun once");
        early = null;
        arrived.forEach(this::act);
        tickAgain();
    }

    private void tickAgain() {
        act(() -> {});
        if (!isOver) {
            loop.schedule(this::tickAgain, TICK);
        }
    }

    /** Runs something on the agent's thread: at once if that is the caller's and has nothing else in hand. */
    private void onAgent(Runnable task) {
        if (loop.isOwnThread() && !isActing) {
            act(task);
        } else {
            loop.execute(() -> act(task));
        }
    }

    private void act(Runnable task) {
        if (early != null) {
            early.add(task);
        } else if (!isOver) {
            isActing = true;
            try {
                ActiveNode reigning = active;
                if (reigning != null) {
                    reigning.core().at(System.nanoTime()); // a pause is noticed before anything that arrived in it
                }
                task.run();
            } catch (RuntimeException | Error failure) {
                die(null, failure);
            } finally {
                isActing = false;
            }
            wake();
        }
    }

    /** Has the agent take what the lane has done, once for all that happens until then. Safe from any thread. */
    private void wake() {
        if (!isRoundDue.get() && isRoundDue.compareAndSet(false, true)) {
            loop.execute(this::round);
        }
    }

    private void round() {
        isRoundDue.set(false); // before looking, so that what is done from here on asks for another round
        if (isOver) {
            return;
        }
        isActing = true;
        try {
            long nowNs = System.nanoTime();
            ActiveNode reigning = active;
            if (reigning != null) {
                reigning.work(nowNs);
            }
            if (nowNs - lastTickNs >= TICK_NS) {
                lastTickNs = nowNs;
                tick(nowNs);
            }
        } catch (RuntimeException | Error failure) {
            die(null, failure);
        } finally {
            isActing = false;
        }
    }

    private void tick(long nowNs) {
        links.values().forEach(link -> link.tick(nowNs));
        viewRegister.tick(nowNs);
        if (backup != null) {
            backup.tick(nowNs);
        }
        comparison.tick();
        ActiveNode reigning = active;
        if (reigning != null) {
            reigning.tick(nowNs);
            reigning.watchStatements(nowNs, heap.isShort());
            watch(reigning, nowNs);
            if (isVoterSeen) {
                isVoterSeen = false;
                reigning.onVoterSeen(nowNs);
            }
            if (nowNs - lastNoticeNs >= NOTICE_NS) {
                announce(reigning);
            }
        }
        if (nowNs - lastStatusNs >= STATUS_NS) {
            lastStatusNs = nowNs;
            publishStatus();
        }
    }

    /** A service that does not come back holds up the database for good; another node can go on without that message. */
    private void watch(ActiveNode reigning, long nowNs) {
        Request executing = reigning.executing();
        if (watchdog.isOverdue(executing != null, reigning.executingSinceNs(), nowNs)) {
            die(
                    executing,
                    new IllegalStateException("the service works on one message for more than "
                            + SettingKind.time(config.limits().executionLimit()) + ", the setting "
                            + Setting.EXECUTION_LIMIT.key()));
        }
    }

    // ---- frames ----------------------------------------------------------------------------------------------------

    /** What happens on connections, on the agent's thread. */
    ConnectionListener listener() {
        return new ConnectionListener() {
            @Override
            public void onOpen(Connection connection) {
                if (PeerRules.isListener(connection.peer())) {
                    onAgent(() -> greeted(connection));
                }
            }

            @Override
            public void onFrame(Connection connection, long incarnation, Frame frame) {
                if (frame instanceof Frame.StatusAsk ask
                        && connection.peer().role() == Peer.Role.ADMIN
                        && OverrideOrder.isOne(ask.question())) {
                    onAgent(() -> override(OverrideOrder.of(
                            ask.question(), links.keySet(), json -> connection.send(new Frame.StatusReply(0, json)))));
                } else if (frame instanceof Frame.StatusAsk) {
                    connection.send(new Frame.StatusReply(0, status.json()));
                } else if (isOutsider(connection.peer().role())) {
                    connection.close("this is the port for nodes and distributors; " + connection.peer()
                            + " may ask for status only, but it sent "
                            + frame.getClass().getSimpleName());
                } else if (frame instanceof Frame.Ask ask) {
                    ask(connection, ask);
                } else if (isFrameOfAPeer(connection, frame)) {
                    if (RegisterAcceptor.isForVoter(frame)) {
                        vote(connection, frame);
                    } else {
                        onAgent(() -> take(connection.peer(), frame));
                    }
                }
            }

            @Override
            public void onClosed(Connection connection, String reason) {
                if (PeerRules.isListener(connection.peer())) {
                    onAgent(() -> inbound.remove(connection.peer().name(), connection));
                }
            }
        };
    }

    /** Whether somebody in that role has no part in what processes say to each other: a vote, an acknowledgement. */
    private static boolean isOutsider(Peer.Role role) {
        return switch (role) {
            case CLIENT, ADMIN -> true;
            case DISTRIBUTOR, NODE, ARBITER -> false;
        };
    }

    /** Whoever says what is not his to say is disconnected; nothing of it reaches the node agent. */
    private boolean isFrameOfAPeer(Connection connection, Frame frame) {
        Optional<String> refusal = rules.refusal(connection.peer(), frame);
        refusal.ifPresent(reason -> {
            LOG.warn("{} closes a connection from {}: {}", config.name(), connection.remote(), reason);
            connection.close(reason);
        });
        return refusal.isEmpty();
    }

    private void ask(Connection connection, Frame.Ask ask) {
        ActiveNode reigning = active;
        Request request = ask.request();
        if (!request.kind().isFromClient()) {
            connection.close("a request of kind " + request.kind() + " is the active's own; clients cannot send it");
        } else if (request.body().length > config.limits().messageMaxBytes()) {
            refuse(
                    connection,
                    request,
                    AnswerCode.REFUSED,
                    "the message has " + request.body().length + " bytes; this database takes "
                            + config.limits().messageMaxBytes() + " at most");
        } else if (reigning == null) {
            refuse(connection, request, AnswerCode.NOT_ACTIVE, config.name() + " is not the active");
        } else if (ask.term() != reigning.term()) {
            if (ask.term() > reigning.term() && PeerRules.isDistributor(connection.peer()) && mayTakeHint()) {
                onAgent(() -> higherTerm(ask.term()));
            }
            connection.send(notice(reigning));
            refuse(
                    connection,
                    request,
                    AnswerCode.NOT_ACTIVE,
                    "term " + ask.term() + " is not term " + reigning.term() + " of " + config.name());
        } else if (isStopped) {
            refuse(
                    connection,
                    request,
                    AnswerCode.BUSY,
                    config.name() + " has no backup in sync and, by " + Setting.WHEN_ALONE.key()
                            + ", takes nothing new until one is");
        } else if (!connection.isWritable()) {
            refuse(
                    connection,
                    request,
                    AnswerCode.BUSY,
                    "answers wait on the connection from " + config.name() + " to " + connection.peer()
                            + ", which does not read them fast enough, so nothing more is taken from there; it is sent"
                            + " again by itself");
        } else if (!reigning.ask(connection, request)) {
            refuse(connection, request, AnswerCode.BUSY, config.name() + " has no room for more messages");
        }
    }

    /** A hint costs a read of the register, and whoever gives it may be wrong: one at a time. */
    private boolean mayTakeHint() {
        long nowNs = System.nanoTime();
        long lastNs = lastHintNs.get();
        return nowNs - lastNs >= HINT_NS && lastHintNs.compareAndSet(lastNs, nowNs);
    }

    private void refuse(Connection connection, Request request, AnswerCode code, String text) {
        ActiveNode reigning = active;
        connection.send(new Frame.Reply(
                reigning == null ? 0 : reigning.term(),
                new Answer(
                        request.session(),
                        request.requestId(),
                        Identity.NONE,
                        code,
                        text.getBytes(StandardCharsets.UTF_8))));
    }

    /**
     * Every distributor and in-sync backup hears who is active: at every change, and now and then, should a notice have been
     * lost.
     */
    private void announce(ActiveNode reigning) {
        lastNoticeNs = System.nanoTime();
        Frame notice = notice(reigning);
        inbound.values().forEach(connection -> connection.send(notice));
        reigning.core().view().backups().forEach(member -> send(member, notice));
    }

    private Frame notice(ActiveNode reigning) {
        return new Frame.ViewNotice(reigning.term(), reigning.version(), reigning.self());
    }

    private void vote(Connection connection, Frame frame) {
        if (connection.peer().role() != Peer.Role.NODE) {
            connection.close("only a node may propose a view, and " + connection.peer() + " is none");
        } else if (register == null) {
            connection.close(config.name() + " is no voter; the configuration's voters are " + config.voters());
        } else {
            register.submit(frame, connection::send);
        }
    }

    private void greeted(Connection connection) {
        inbound.put(connection.peer().name(), connection);
        isVoterSeen |= config.voters().contains(connection.peer().name());
        ActiveNode reigning = active;
        if (reigning != null) {
            connection.send(notice(reigning));
        }
    }

    /**
     * Our own connection was lost, or membership hints that a process is gone: whoever relies on it looks again (R12).
     * What happens to a connection that the other side opened is no sign, since it may be its second look at us.
     */
    private void suspect(String node, long incarnation) {
        long nowNs = System.nanoTime();
        PeerLink link = links.get(node);
        if (link == null || isOver) {
            return;
        }
        if (backup != null) {
            backup.onConnectionLost(node, nowNs);
        } else if (active != null) {
            View.Member member = new View.Member(node, incarnation);
            if (view != null && view.hasBackup(member)) {
                link.probe(nowNs);
            }
        }
    }

    private void take(Peer from, Frame frame) {
        long nowNs = System.nanoTime();
        if (RegisterProposer.isForProposer(frame)) {
            RegisterProposer asker = proposer;
            if (asker != null) {
                asker.onFrame(from.name(), frame, nowNs);
            }
            return;
        }
        if (frame instanceof Frame.Sums sums) {
            comparison.onSums(from.name(), sums);
            return;
        }
        if (frame instanceof Frame.Narrow narrow) {
            comparison.onNarrow(from.name(), narrow);
            return;
        }
        if (frame instanceof Frame.Outvoted outvoted) {
            outvoted(from.name(), outvoted);
            return;
        }
        View.Member member = new View.Member(from.name(), from.incarnation());
        ActiveNode reigning = active;
        if (reigning != null) {
            if (frame instanceof Frame.Diverged diverged
                    && reigning.core().view().hasBackup(member)) {
                differs(from.name(), reigning, diverged);
            }
            reigning.onFrame(member, frame, nowNs);
        } else if (backup != null) {
            backup.onFrame(member, frame, nowNs);
        }
    }

    /** A backup differs from us. With another backup in sync there are three copies, and two of them decide. */
    private void differs(String node, ActiveNode reigning, Frame.Diverged diverged) {
        View present = reigning.core().view();
        List<View.Member> witnesses = present.backups().stream()
                .filter(each -> !each.name().equals(node))
                .toList();
        differing.put(
                node,
                new DifferingNode(
                        present.backup(node).orElseThrow(),
                        diverged.position(),
                        witnesses,
                        node + " differs from us at position " + diverged.position() + ": " + diverged.detail()));
    }

    /** Another copy than ours and the active's has shown that ours is the wrong one. */
    private void outvoted(String from, Frame.Outvoted outvoted) {
        BackupNode kept = backup;
        if (kept != null
                && !divergence.isEmpty()
                && from.equals(kept.core().followed())
                && outvoted.term() == kept.core().term()) {
            rebuild(divergence + "; " + outvoted.witness() + " holds what " + from + " holds, after entry "
                    + outvoted.position());
        }
    }

    private void higherTerm(long term) {
        ActiveNode reigning = active;
        if (reigning != null) {
            reigning.onHigherTerm(term);
        }
    }

    private void send(View.Member to, Frame frame) {
        PeerLink link = links.get(to.name());
        if (link != null) {
            link.send(to.incarnation(), frame);
        }
    }

    private void sendToVoter(String voter, Frame frame) {
        PeerLink link = links.get(voter);
        RegisterProposer asker = proposer;
        if (voter.equals(config.name()) && register != null && asker != null) {
            register.submit(frame, reply -> onAgent(() -> asker.onFrame(voter, reply, System.nanoTime())));
        } else if (link != null) {
            link.send(frame);
        } else {
            Connection connection = inbound.get(voter);
            if (connection != null) {
                connection.send(frame);
            }
        }
    }

    // ---- roles -----------------------------------------------------------------------------------------------------

    private ViewRegister newRegister() {
        LongSupplier nonces = () -> random.nextLong() >>> 1 | 1;
        if (zooKeeper != null) {
            return zooKeeper.register(this::onAgent, nonces);
        }
        RegisterProposer made = new RegisterProposer(config.voters(), self.incarnation(), this::sendToVoter, nonces);
        proposer = made;
        return made;
    }

    private BackupNode newBackup() {
        TsdStore empty = TsdStore.create(service, new H2Records(sqlConfig), storeConfig);
        log.startAfter(empty.last(), empty.chain());
        return new BackupNode(
                self,
                new BackupNodeConfig(config.failureDetection(), config.nodes()),
                empty,
                () -> TsdStore.installer(service, new H2Records(sqlConfig), storeConfig),
                log,
                recording,
                viewRegister,
                new BackupRole(comparison),
                System::nanoTime);
    }

    private void promote(BackupEffects.Promotion promotion, TsdStore store, long lastEntryAtNs) {
        view = promotion.view();
        isStopped = config.whenAlone().isStoppedIn(promotion.view());
        ActiveNodeConfig defaults = ActiveNodeConfig.withFailureDetection(config.failureDetection());
        ActiveNode reigning = new ActiveNode(
                new ActiveNodeConfig(
                        config.failureDetection(),
                        config.limits().takeoverBudget(),
                        defaults.ringSize(),
                        defaults.forwardBatchBytes(),
                        defaults.forwardWindowBytes()),
                new ActiveNode.Start(
                        self, promotion.view(), store, log, lastEntryAtNs, promotion.quarantined(), recording, runners),
                viewRegister,
                new ActiveRole(comparison),
                System::nanoTime,
                () -> ChronoUnit.NANOS.between(Instant.EPOCH, Instant.now()),
                seeds);
        backup = null;
        activeStore = store;
        reign = reigning;
        active = reigning;
        announce(reigning);
        takeover = new Takeover(
                promotion.view().term(), formerActive, micros(candidateAt), micros(agreedAt), micros(Instant.now()));
        LOG.info("{} is the active of {}", self, promotion.view());
        long position = log.lastPosition();
        endOverride(order -> {
            LOG.warn(
                    "{} leads by an operator's word, in term {} after position {}: what {} answered after that is lost",
                    self,
                    promotion.view().term(),
                    position,
                    formerActive);
            order.done(config.name(), promotion.view().term(), position);
        });
        publishStatus();
    }

    /** An operator wants this node to lead with what it holds: first who else lives is looked at, then the register. */
    private void override(OverrideOrder order) {
        Optional<String> refusal = overriding != null
                ? Optional.of("another override is under way")
                : backup == null
                        ? Optional.of(active == null ? "it is starting anew" : "it is the active")
                        : backup.core().overrideRefusal();
        if (refusal.isPresent()) {
            order.refuse(config.name(), refusal.get());
            return;
        }
        overriding = order;
        long nowNs = System.nanoTime();
        links.values().forEach(link -> link.probe(nowNs));
        overrideWhenAllAreSeen();
    }

    private void overrideWhenAllAreSeen() {
        OverrideOrder order = overriding;
        BackupNode former = backup;
        if (order != null && former != null && order.areAllSeen()) {
            former.core()
                    .override(order::isGone, System.nanoTime())
                    .ifPresent(refusal -> endOverride(o -> o.refuse(config.name(), refusal)));
        }
    }

    private void endOverride(Consumer<OverrideOrder> end) {
        OverrideOrder order = overriding;
        overriding = null;
        if (order != null) {
            end.accept(order);
        }
    }

    /**
     * Starts this node's life anew: another incarnation, an empty store. What it held was another history. The lane may
     * be in the middle of a long statement, and the thread of the network does not wait for it: until it has left, the
     * node has no role.
     */
    private void rebuild(String reason) {
        if (leaving != null) {
            return;
        }
        LOG.warn("{} starts anew as an empty node: {}", self, reason);
        anewBecause = reason;
        if (backup != null) {
            backup.core().close("the role is closed");
        }
        Role former = leaveRole();
        Thread closing = new Thread(
                () -> {
                    try {
                        former.close();
                        onAgent(this::startAnew);
                    } catch (InterruptedException interrupted) {
                        Thread.currentThread().interrupt();
                    } catch (RuntimeException | Error failure) {
                        die(null, failure);
                    }
                },
                "node-leave");
        closing.setDaemon(true);
        leaving = closing;
        closing.start();
    }

    private void startAnew() {
        leaving = null;
        self = new View.Member(config.name(), random.nextLong() >>> 1 | 1);
        viewRegister = newRegister();
        log = new ForwardLog(config.limits().forwardLogBytes());
        comparison = new Comparison(new Comparing());
        divergence = "";
        differing.clear();
        view = null;
        takeover = null;
        backup = newBackup();
        transport.self(new Peer(self.name(), Peer.Role.NODE, self.incarnation()));
        Members found = members;
        if (found != null) {
            found.publish(endpoint());
        }
        publishStatus();
    }

    private static long micros(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }

    // ---- status ----------------------------------------------------------------------------------------------------

    /** How the node is, as one JSON document. Safe from any thread. */
    String status() {
        return status.json();
    }

    private void publishStatus() {
        String json = status.update(new NodeStatus.Now(
                self,
                peerPort,
                active,
                isStopped,
                log.lastPosition(),
                backup,
                anewBecause,
                active == null
                        ? divergence
                        : String.join(
                                "; ",
                                differing.values().stream()
                                        .map(DifferingNode::report)
                                        .toList()),
                takeover,
                formerReign));
        Members found = members;
        if (found != null) {
            found.publishStatus(config.name(), json);
        }
    }

    // ---- the end ---------------------------------------------------------------------------------------------------

    /**
     * Ends the process at once, since a stopped node can be replaced and a wrong one cannot; the message that did it is
     * named to the others first (R17).
     */
    private void die(@Nullable Request poison, Throwable cause) {
        boolean isLoops = loop.isOwnThread();
        boolean isHaltedLater = false;
        try {
            ActiveNode reigning = active;
            active = null;
            isOver = true;
            // A heap that is full fails whoever asks next, and that need not be the lane.
            Request deadly = poison == null && cause instanceof VirtualMachineError && reigning != null
                    ? reigning.executing()
                    : poison;
            if (deadly != null && reigning != null) {
                Frame note = new Frame.DeathNote(
                        reigning.term(),
                        deadly.session(),
                        deadly.requestId(),
                        cause.getClass().getName());
                for (PeerLink link : links.values()) {
                    link.send(note);
                }
            }
            LOG.error("{} ends: it cannot go on{}", config.name(), deadly == null ? "" : " after " + deadly, cause);
            for (PeerLink link : links.values()) {
                Connection connection = link.connection();
                if (connection != null) {
                    connection.close(
                            config.name() + " ends: " + cause.getClass().getName());
                }
            }
            if (isLoops) {
                isHaltedLater = loop.schedule(around::halt, LAST_WORDS); // they leave by this very thread
            } else {
                LockSupport.parkNanos(LAST_WORDS.toNanos());
            }
        } finally {
            if (!isHaltedLater) {
                around.halt();
            }
        }
    }

    /** An error of the network's or the members' threads. */
    void failed(Error error) {
        try {
            loop.execute(() -> die(null, error));
        } catch (OutOfMemoryError none) {
            around.halt();
        }
    }

    public void close() throws InterruptedException {
        isOver = true;
        CountDownLatch hasLeft = new CountDownLatch(1);
        if (loop.execute(hasLeft::countDown)) {
            hasLeft.await();
        }
        Thread closing = leaving;
        if (closing != null) {
            closing.join();
        }
        leaveRole().close();
    }

    /** What is to be closed of a role. */
    private record Role(
            @Nullable ActiveNode reign,
            @Nullable TsdStore activeStore,
            @Nullable BackupNode backup) {
        void close() throws InterruptedException {
            if (reign != null) {
                reign.close();
            }
            if (activeStore != null) {
                activeStore.close();
            }
            if (backup != null) {
                backup.close();
            }
        }
    }

    private Role leaveRole() {
        Role role = new Role(reign, activeStore, backup);
        comparison.close();
        active = null;
        reign = null;
        activeStore = null;
        backup = null;
        return role;
    }

    private final class LinkEvents implements PeerLink.Events {
        @Override
        public void onAgent(Runnable task) {
            NodeAgent.this.onAgent(task);
        }

        @Override
        public void onOpened(Connection opened) {
            isVoterSeen |= config.voters().contains(opened.peer().name());
        }

        @Override
        public void onLost(Connection lost) {
            suspect(lost.peer().name(), lost.peer().incarnation());
        }

        @Override
        public void onProbed(String name, boolean isRefused) {
            ActiveNode reigning = active;
            View known = view;
            OverrideOrder order = overriding;
            if (order != null) {
                PeerLink link = links.get(name);
                Connection open = link == null ? null : link.connection();
                order.seen(name, isRefused, open == null ? 0 : open.peer().incarnation());
                overrideWhenAllAreSeen();
            }
            if (backup != null) {
                backup.onProbe(name, isRefused, System.nanoTime());
            } else if (reigning != null && known != null && isRefused) {
                known.backup(name).ifPresent(member -> reigning.onNodeGone(member, System.nanoTime()));
            }
        }
    }

    /** Somebody whose state is another than ours, and who could say which is right. */
    private record DifferingNode(View.Member member, long position, List<View.Member> witnesses, String report) {
        DifferingNode with(String more) {
            return new DifferingNode(member, position, witnesses, report + more);
        }
    }

    private final class Comparing implements Comparison.Port {
        @Override
        public void onAgent(Runnable task) {
            NodeAgent.this.onAgent(task);
        }

        @Override
        public void send(String node, Frame frame) {
            PeerLink link = links.get(node);
            if (link != null) {
                link.send(frame);
            }
        }

        @Override
        public long leadingTerm() {
            ActiveNode reigning = active;
            return reigning == null ? 0 : reigning.term();
        }

        @Override
        public Collection<String> followers() {
            ActiveNode reigning = active;
            return reigning == null
                    ? List.of()
                    : reigning.core().executedPositions().keySet();
        }

        @Override
        public Optional<String> followed() {
            BackupNode following = backup;
            return following != null && following.core().state() == BackupState.FOLLOWING
                    ? Optional.of(following.core().followed())
                    : Optional.empty();
        }

        @Override
        public long followedTerm() {
            BackupNode following = backup;
            return following == null ? 0 : following.core().term();
        }

        @Override
        public void differs(long position, long expected, long actual, String detail) {
            BackupNode following = backup;
            if (following != null) {
                following.differs(position, expected, actual, detail);
            }
        }

        @Override
        public void found(String node, String report) {
            LOG.error("{} and {} differ in {}", config.name(), node, report);
            DifferingNode known = differing.get(node);
            if (known != null) {
                differing.put(node, known.with("; in " + report));
            } else if (!divergence.isEmpty()) {
                divergence += "; in " + report;
            }
            publishStatus();
        }

        @Override
        public void agreed(String node, long position) {
            Optional<View.Member> witness = view == null ? Optional.empty() : view.backup(node);
            differing.forEach((name, each) -> {
                if (witness.filter(each.witnesses()::contains).isPresent() && position >= each.position()) {
                    LOG.warn("{} holds what we hold after entry {}, so {} is the wrong one", node, position, name);
                    send(name, new Frame.Outvoted(leadingTerm(), position, node));
                }
            });
        }

        @Override
        public void failed(Throwable cause) {
            die(null, cause);
        }
    }

    private final class BackupRole implements BackupPort {
        private final Comparison itsComparison;

        BackupRole(Comparison itsComparison) {
            this.itsComparison = itsComparison;
        }

        @Override
        public void executed(TsdStore store, Entry entry, long previousTimeNs) {
            itsComparison.executed(store, entry, previousTimeNs);
        }

        @Override
        public void diverged(String reason) {
            divergence = reason;
            LOG.error(
                    "{} {}. Nobody knows which of the two is right: it leads nobody and keeps its copy until a third copy"
                            + " decides or an operator starts it again",
                    config.name(),
                    reason);
            onAgent(NodeAgent.this::publishStatus);
        }

        @Override
        public void send(String node, Frame frame) {
            PeerLink link = links.get(node);
            if (link != null) {
                link.send(frame);
            }
        }

        @Override
        public void broadcast(Frame frame) {
            links.values().forEach(link -> link.send(frame));
        }

        @Override
        public void probe(String node) {
            PeerLink link = links.get(node);
            if (link != null) {
                link.probe(System.nanoTime());
            }
        }

        @Override
        public void became(BackupState from, BackupState to, String reason) {
            if (to == BackupState.CANDIDATE) {
                isVoterSeen = false; // all who are connected now are asked
                candidateAt = Instant.now();
                formerActive = backup == null ? "" : backup.core().followed();
            } else if (to == BackupState.PROMOTING) {
                agreedAt = Instant.now();
            } else if (from == BackupState.CANDIDATE || to == BackupState.UNFIT) {
                Optional<View> known =
                        backup == null ? Optional.empty() : backup.core().registerView();
                endOverride(order ->
                        order.refuse(config.name(), known.map(order::whoMayLive).orElse(reason)));
            }
            onAgent(NodeAgent.this::publishStatus);
        }

        @Override
        public void promoted(BackupEffects.Promotion promotion, TsdStore store, long lastEntryAtNs) {
            onAgent(() -> promote(promotion, store, lastEntryAtNs));
        }

        @Override
        public void unfit(String reason) {
            onAgent(() -> rebuild(reason));
        }

        @Override
        public void onAgent(Runnable task) {
            NodeAgent.this.onAgent(task);
        }

        @Override
        public void failed(Throwable cause) {
            die(null, cause);
        }
    }

    private final class ActiveRole implements ActivePort {
        private final Comparison itsComparison;

        ActiveRole(Comparison itsComparison) {
            this.itsComparison = itsComparison;
        }

        @Override
        public void executed(TsdStore store, Entry entry, long previousTimeNs) {
            itsComparison.executed(store, entry, previousTimeNs);
        }

        @Override
        public void send(View.Member to, Frame frame) {
            NodeAgent.this.send(to, frame);
        }

        @Override
        public void viewInstalled(View installed) {
            view = installed;
            differing.values().removeIf(each -> installed
                    .backup(each.member().name())
                    .filter(again -> !again.equals(each.member()))
                    .isPresent());
            isStopped = config.whenAlone().isStoppedIn(installed);
            ActiveNode reigning = active;
            if (reigning != null) {
                announce(reigning);
            }
            publishStatus();
        }

        @Override
        public void deposed(View current, String reason) {
            ActiveNode deposed = active;
            if (deposed != null) {
                formerReign = new FormerReign(deposed.term(), deposed.core().answersSincePause());
            }
            active = null;
            onAgent(() -> rebuild(reason + ": " + current));
        }

        @Override
        public void wake() {
            NodeAgent.this.wake();
        }

        @Override
        public void onAgent(Runnable task) {
            NodeAgent.this.onAgent(task);
        }

        @Override
        public void failed(@Nullable Request poison, Throwable cause) {
            die(poison, cause);
        }
    }
}
