package io.lockstep.distributor;

import io.lockstep.distributor.SeededScheduler.Cable;
import io.lockstep.distributor.SeededScheduler.Faults;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The shipped cores of clients and distributors around two model nodes, in a world of one seed. A node that is killed
 * comes back as another run of itself with a copy; an active answers when its backup holds the entry; a takeover keeps
 * what the backup holds and loses the rest.
 */
final class ModelCluster {
    static final long MS = 1_000_000;

    final SeededScheduler world;
    final Faults faults;
    final List<Distributing> distributors = new ArrayList<>();
    final List<Node> nodes = new ArrayList<>();
    final List<Client> clients = new ArrayList<>();
    long term = 1;
    long version = 1;
    Node active;
    boolean isBackupInView = true;
    int takeovers;

    ModelCluster(SeededScheduler world, Faults faults, int distributorCount) {
        this.world = world;
        this.faults = faults;
        nodes.add(new Node("a"));
        nodes.add(new Node("b"));
        active = nodes.get(0);
        active.order(null);
        other(active).copyOf(active);
        for (int i = 0; i < distributorCount; i++) {
            Distributing distributing = new Distributing();
            distributors.add(distributing);
            distributing.start();
        }
    }

    Node other(Node node) {
        return nodes.get(0) == node ? nodes.get(1) : nodes.get(0);
    }

    // ---- nodes ----------------------------------------------------------------------------------------------------

    final class Node {
        final String name;
        View.Member member;
        ModelStore store = new ModelStore();
        boolean isAlive = true;
        boolean isPaused;
        boolean isActive;
        long itsTerm;
        int run;
        /** What arrives while it is stopped. */
        final List<Runnable> backlog = new ArrayList<>();
        /** Answers that wait for the backup, with the log length that they need. */
        final List<Gated> gated = new ArrayList<>();

        long acknowledgedLength;
        private long lastForwardNs;
        final Map<Distributing, Cable<Frame>> toDistributor = new HashMap<>();

        Node(String name) {
            this.name = name;
            this.member = new View.Member(name, 1);
        }

        private void act(Runnable action) {
            int itsRun = run;
            if (isPaused) {
                backlog.add(() -> {
                    if (run == itsRun) {
                        action.run();
                    }
                });
            } else if (isAlive) {
                action.run();
            }
        }

        void copyOf(Node source) {
            store = source.store.replayed(source.store.log().size());
            acknowledgedLength = 0;
        }

        /** Executes a message, or the view entry, as the next one, and forwards it. */
        private @Nullable Answer order(@Nullable Request request) {
            if (request == null) {
                isActive = true;
                itsTerm = term;
            }
            ModelStore.Logged logged =
                    new ModelStore.Logged(new Identity(itsTerm, store.log().size() + 1), request);
            Answer answer = store.execute(logged);
            forward(logged);
            return answer;
        }

        private void forward(ModelStore.Logged logged) {
            Node backup = other(this);
            int length = store.log().size();
            int backupRun = backup.run;
            int itsRun = run;
            long sentTerm = itsTerm;
            lastForwardNs = Math.max(lastForwardNs, world.nowNs() + world.millis(0.1, 0.5));
            world.after(
                    lastForwardNs - world.nowNs(),
                    () -> backup.act(() -> {
                        if (backup.run == backupRun
                                && isBackupInView
                                && !backup.isActive
                                && sentTerm == term
                                && backup.store.log().size() == length - 1) {
                            backup.store.execute(logged);
                            world.after(
                                    world.millis(0.1, 0.5),
                                    () -> act(() -> {
                                        if (run == itsRun) {
                                            acknowledgedLength = Math.max(acknowledgedLength, length);
                                            openGate();
                                        }
                                    }));
                        }
                    }));
        }

        void openGate() {
            for (int i = 0; i < gated.size(); i++) {
                Gated next = gated.get(i);
                boolean isStable =
                        next.length <= acknowledgedLength || (this == active && !isBackupInView && itsTerm == term);
                if (isStable) {
                    gated.remove(i--);
                    reply(next.to, next.answer);
                }
            }
        }

        private void reply(Distributing to, Answer answer) {
            Cable<Frame> cable = toDistributor.get(to);
            if (cable != null) {
                cable.send(new Frame.Reply(itsTerm, answer));
            }
        }

        void onAsk(Distributing from, Frame.Ask ask) {
            act(() -> {
                Request request = ask.request();
                if (!isActive || ask.term() > itsTerm) {
                    reply(from, ModelStore.refusal(request, AnswerCode.NOT_ACTIVE));
                } else if (world.chance(faults.loss() / 4) && request.kind() != RequestKind.OPEN) {
                    reply(from, ModelStore.refusal(request, AnswerCode.BUSY));
                } else {
                    Answer known = store.judge(request);
                    Answer answer = known != null ? known : order(request);
                    if (answer != null) {
                        gated.add(new Gated(store.log().size(), from, answer));
                        openGate();
                    }
                }
            });
        }

        void notice(Distributing to) {
            Cable<Frame> cable = toDistributor.get(to);
            if (cable != null && isActive) {
                cable.send(new Frame.ViewNotice(itsTerm, version, member));
            }
        }

        /** The process ends now and is started again after some time. */
        void kill(long awayNs) {
            isAlive = false;
            isActive = false;
            isPaused = false;
            run++;
            backlog.clear();
            gated.clear();
            for (Distributing distributing : distributors) {
                distributing.unlink(this);
            }
            peerIsAway();
            world.after(awayNs, this::restart);
        }

        /** The process stands still and goes on after some time; meanwhile it is replaced. */
        void pause(long standingNs) {
            isPaused = true;
            int itsRun = run;
            peerIsAway();
            world.after(standingNs, () -> {
                if (isPaused && run == itsRun) {
                    isPaused = false;
                    List<Runnable> late = List.copyOf(backlog);
                    backlog.clear();
                    late.forEach(Runnable::run); // a zombie: it does not know yet
                    world.after(world.millis(1, 20), () -> {
                        if (run == itsRun && isAlive && active != this) {
                            kill(world.millis(1, 50));
                        }
                    });
                }
            });
        }

        private void peerIsAway() {
            Node peer = other(this);
            int peerRun = peer.run;
            boolean wasActive = active == this;
            world.after(world.millis(20, 250), () -> {
                if (peer.run != peerRun || !peer.isAlive || !isBackupInView) {
                    return;
                }
                if (wasActive && active == this) {
                    isBackupInView = false;
                    peer.takeOver();
                } else if (!wasActive && active == peer) {
                    isBackupInView = false;
                    version++;
                    peer.openGate();
                }
            });
        }

        private void takeOver() {
            takeovers++;
            term++;
            version++;
            active = this;
            order(null);
            distributors.forEach(this::notice);
        }

        private void restart() {
            isAlive = true;
            isActive = false;
            member = new View.Member(name, member.incarnation() + 1);
            Node source = other(this);
            if (!source.isAlive || !source.isActive) {
                throw new IllegalStateException("no source for a copy: a fault of the test");
            }
            copyOf(source);
            isBackupInView = true;
            version++;
            source.acknowledgedLength = source.store.log().size();
            source.openGate();
            for (Distributing distributing : distributors) {
                distributing.link(this);
            }
        }
    }

    private record Gated(int length, Distributing to, Answer answer) {}

    // ---- distributors ---------------------------------------------------------------------------------------------

    final class Distributing {
        DistributorCore<Channel> core = newCore();
        boolean isAlive;
        boolean isPaused;
        int run;
        final List<Runnable> backlog = new ArrayList<>();
        final List<Channel> channels = new ArrayList<>();
        final Map<View.Member, Cable<Frame>> toNode = new HashMap<>();

        private DistributorCore<Channel> newCore() {
            DistributorConfig config = DistributorConfig.builder("d")
                    .held(64, 1 << 20)
                    .sessionGrace(java.time.Duration.ofMillis(1_500))
                    .build();
            return new DistributorCore<>(config, new DistributorCore.Effects<>() {
                @Override
                public void sendToNode(View.Member node, Frame.Ask ask) {
                    Cable<Frame> cable = toNode.get(node);
                    if (cable != null) {
                        cable.send(ask);
                    }
                }

                @Override
                public void answerClient(Channel channel, Frame.Reply reply) {
                    channel.toClient.send(reply);
                }

                @Override
                public void closeClient(Channel channel, String reason) {
                    channel.cut();
                }

                @Override
                public void activeNamed(long newTerm, View.Member newActive) {}
            });
        }

        void act(Runnable action) {
            if (isPaused) {
                backlog.add(action);
            } else if (isAlive) {
                action.run();
            }
        }

        void start() {
            isAlive = true;
            core = newCore();
            int itsRun = run;
            nodes.forEach(this::link);
            world.every(5 * MS, () -> {
                if (isAlive && !isPaused && run == itsRun) {
                    core.tick(world.nowNs());
                }
                return run == itsRun;
            });
        }

        /** A link to a node that is up breaks and is there again a little later. */
        void flap(Node node) {
            unlink(node);
            world.after(world.millis(1, 60), () -> link(node));
        }

        void link(Node node) {
            if (!isAlive || !node.isAlive || toNode.containsKey(node.member)) {
                return;
            }
            View.Member member = node.member;
            int itsRun = run;
            Cable<Frame> there = new Cable<>(world, faults, frame -> {
                if (node.member.equals(member)) {
                    node.onAsk(this, (Frame.Ask) frame);
                }
            });
            Cable<Frame> back = new Cable<>(
                    world,
                    faults,
                    frame -> act(() -> {
                        if (run != itsRun) {
                            return;
                        }
                        if (frame instanceof Frame.Reply reply) {
                            core.onReply(member, reply, world.nowNs());
                        } else if (frame instanceof Frame.ViewNotice notice) {
                            core.onViewNotice(member, notice, world.nowNs());
                        }
                    }));
            toNode.put(member, there);
            node.toDistributor.put(this, back);
            act(() -> {
                if (run == itsRun) {
                    core.onNodeUp(member, world.nowNs());
                }
            });
            if (node.isPaused) {
                node.backlog.add(() -> node.notice(this));
            } else {
                node.notice(this);
            }
            // A greeting may be lost in a world that loses frames; real ones are repeated with the connection.
            world.every(200 * MS, () -> {
                if (node.toDistributor.get(this) == back && !node.isPaused) {
                    node.notice(this);
                }
                return node.toDistributor.get(this) == back;
            });
        }

        void unlink(Node node) {
            Cable<Frame> there = toNode.remove(node.member);
            if (there != null) {
                there.cut();
                View.Member member = node.member;
                int itsRun = run;
                act(() -> {
                    if (run == itsRun) {
                        core.onNodeDown(member);
                    }
                });
            }
            Cable<Frame> back = node.toDistributor.remove(this);
            if (back != null) {
                back.cut();
            }
        }

        void kill(long awayNs) {
            isAlive = false;
            isPaused = false;
            run++;
            backlog.clear();
            nodes.forEach(this::unlink);
            for (Channel channel : List.copyOf(channels)) {
                channel.cut();
            }
            world.after(awayNs, this::start);
        }

        void pause(long standingNs) {
            isPaused = true;
            int itsRun = run;
            world.after(standingNs, () -> {
                if (isPaused && run == itsRun) {
                    isPaused = false;
                    List<Runnable> late = List.copyOf(backlog);
                    backlog.clear();
                    late.forEach(Runnable::run);
                }
            });
        }
    }

    // ---- clients --------------------------------------------------------------------------------------------------

    /** One connection of a client to a distributor. */
    final class Channel {
        final Client client;
        final Distributing distributing;
        final Cable<Frame> toClient;
        final Cable<Frame> toDistributor;
        boolean isOpen = true;

        Channel(Client client, Distributing distributing) {
            this.client = client;
            this.distributing = distributing;
            int itsRun = distributing.run;
            this.toClient = new Cable<>(world, faults, frame -> {
                if (client.channel == this && frame instanceof Frame.Reply reply) {
                    client.core.onReply(reply.term(), reply.answer(), world.nowNs());
                }
            });
            this.toDistributor = new Cable<>(
                    world,
                    faults,
                    frame -> distributing.act(() -> {
                        if (distributing.run == itsRun && isOpen && frame instanceof Frame.Ask ask) {
                            distributing.core.onRequest(this, ask.request(), world.nowNs());
                        }
                    }));
            distributing.channels.add(this);
        }

        /** Both ends learn of it at different times. */
        void cut() {
            if (!isOpen) {
                return;
            }
            isOpen = false;
            toClient.cut();
            toDistributor.cut();
            distributing.channels.remove(this);
            int itsRun = distributing.run;
            world.after(
                    world.millis(0, 5),
                    () -> distributing.act(() -> {
                        if (distributing.run == itsRun) {
                            distributing.core.onClientGone(this, world.nowNs());
                        }
                    }));
            world.after(world.millis(0, 5), () -> client.onCut(this));
        }
    }

    /** What a client handed in, and what it heard. */
    static final class Asked {
        final RequestKind kind;
        final String text;
        final long atNs;

        @Nullable Ending ending;

        long endedNs;
        int endings;
        /** Where it stood when it was handed in. */
        final Client by;

        Asked(Client by, RequestKind kind, String text, long atNs) {
            this.by = by;
            this.kind = kind;
            this.text = text;
            this.atNs = atNs;
        }
    }

    final class Client implements SessionCore.Effects<Asked> {
        final String name;
        final SessionCore<Asked> core;
        final List<Asked> asked = new ArrayList<>();

        @Nullable Channel channel;

        java.util.function.Consumer<Asked> onEnded = asked -> {};
        boolean isDead;
        boolean isOver;

        @Nullable Ending why;

        private int attempts;

        Client(String name, SessionConfig config, long openingNs) {
            this.name = name;
            this.core = new SessionCore<>(
                    config, this, world.random().nextLong(1, Long.MAX_VALUE), openingNs, world.nowNs());
            this.attempts = world.random().nextInt(8);
            clients.add(this);
            dial();
            world.every(2 * MS, () -> {
                if (!isDead) {
                    core.tick(world.nowNs());
                }
                return !isOver && !isDead;
            });
        }

        Asked ask(RequestKind kind, long transaction, String text) {
            Asked next = new Asked(this, kind, text, world.nowNs());
            asked.add(next);
            core.submit(next, kind, transaction, text.getBytes(java.nio.charset.StandardCharsets.UTF_8), world.nowNs());
            return next;
        }

        private void dial() {
            Distributing target = distributors.get(attempts++ % distributors.size());
            world.after(world.millis(0.2, 30), () -> {
                if (isDead || isOver || channel != null) {
                    return;
                }
                if (target.isAlive) {
                    channel = new Channel(this, target);
                    core.onChannelUp(world.nowNs());
                } else {
                    dial();
                }
            });
        }

        void onCut(Channel cut) {
            if (channel == cut) {
                channel = null;
                core.onChannelDown();
                dial();
            }
        }

        /** The process ends without a word. */
        void die() {
            isDead = true;
            Channel last = channel;
            if (last != null) {
                last.cut();
                channel = null;
            }
        }

        @Override
        public void send(Request request) {
            Channel now = channel;
            if (now != null) {
                now.toDistributor.send(new Frame.Ask(core.term(), request));
            }
        }

        @Override
        public void ended(Asked ticket, Ending ending) {
            ticket.endings++;
            ticket.ending = ending;
            ticket.endedNs = world.nowNs();
            onEnded.accept(ticket);
        }

        @Override
        public void opened(Identity session) {}

        @Override
        public void over(@Nullable Ending problem) {
            isOver = true;
            why = problem;
        }

        @Override
        public void changeChannel(String reason) {
            Channel now = channel;
            if (now != null) {
                now.cut();
            }
        }

        @Override
        public void termChanged(long newTerm) {}
    }
}
