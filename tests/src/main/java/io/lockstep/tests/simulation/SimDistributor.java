package io.lockstep.tests.simulation;

import io.lockstep.distributor.DistributorConfig;
import io.lockstep.distributor.DistributorCore;
import io.lockstep.membership.RegisterAcceptor;
import io.lockstep.wire.Frame;
import io.lockstep.wire.View;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One run of one distributor: the shipped core, and perhaps a voter. */
final class SimDistributor implements Network.Host, DistributorCore.Effects<View.Member> {

    private final Simulation simulation;
    private final Scheduler scheduler;
    private final View.Member self;
    private final int index;
    private final @Nullable SimVoter voter;
    private final SimClock clock;
    private final DistributorCore<View.Member> core;
    private final Runnable tick = this::tick;
    private boolean isAlive = true;
    private long pausedUntilNs;

    SimDistributor(Simulation simulation, int index, String name, @Nullable SimVoter voter, SimClock clock) {
        this.simulation = simulation;
        this.scheduler = simulation.scheduler;
        this.self = new View.Member(name, scheduler.random.nextLong() >>> 1 | 1);
        this.index = index;
        this.voter = voter;
        this.clock = clock;
        this.core = new DistributorCore<>(
                DistributorConfig.builder(name)
                        .sessionGrace(Duration.ofMillis(400))
                        .build(),
                this);
        scheduler.after(scheduler.between(0, Scheduler.TICK_NS), tick);
    }

    private void tick() {
        if (!isAlive) {
            return;
        }
        if (pausedUntilNs > scheduler.now()) {
            scheduler.at(pausedUntilNs, tick);
            return;
        }
        core.tick(clock.monotonic());
        scheduler.afterTick(tick);
    }

    /** Where it stands, for the report of a schedule that does not end. */
    String describe() {
        return self + " " + core.snapshot();
    }

    void kill() {
        isAlive = false;
    }

    /** Stands still, unless it does already: what waits out a pause goes on in its order. */
    void pause(long lengthNs) {
        if (pausedUntilNs <= scheduler.now()) {
            pausedUntilNs = scheduler.now() + lengthNs;
        }
    }

    void nodeUp(View.Member node) {
        if (isAlive) {
            core.onNodeUp(node, clock.monotonic());
        }
    }

    void nodeDown(View.Member node) {
        if (isAlive) {
            core.onNodeDown(node);
        }
    }

    void clientGone(View.Member client) {
        if (isAlive) {
            core.onClientGone(client, clock.monotonic());
        }
    }

    @Override
    public void receive(View.Member from, Frame frame) {
        if (frame instanceof Frame.Ask ask) {
            core.onRequest(from, ask.request(), clock.monotonic());
        } else if (frame instanceof Frame.Reply reply) {
            core.onReply(from, reply, clock.monotonic());
        } else if (frame instanceof Frame.ViewNotice notice) {
            core.onViewNotice(from, notice, clock.monotonic());
        } else if (RegisterAcceptor.isForVoter(frame) && voter != null) {
            Frame reply = voter.answer(frame);
            if (reply != null) {
                scheduler.after(voter.flushNs(), () -> simulation.network.send(this, from, reply));
            }
        }
    }

    @Override
    public void sendToNode(View.Member node, Frame.Ask ask) {
        simulation.network.send(this, node, ask);
    }

    @Override
    public void answerClient(View.Member channel, Frame.Reply reply) {
        simulation.network.send(this, channel, reply);
    }

    @Override
    public void closeClient(View.Member channel, String reason) {
        simulation.closeClient(channel, self);
    }

    @Override
    public void activeNamed(long term, View.Member active) {
        // Links come up by themselves here.
    }

    @Override
    public int index() {
        return index;
    }

    @Override
    public View.Member member() {
        return self;
    }

    @Override
    public boolean isAlive() {
        return isAlive;
    }

    @Override
    public long pausedUntilNs() {
        return pausedUntilNs;
    }
}
