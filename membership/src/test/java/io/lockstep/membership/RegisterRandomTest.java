package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.RegisterWorld.Sent;
import io.lockstep.wire.Frame;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Thousands of random schedules of three or five voters; each from its own seed. A voter loses its disk only while all
 * the others vote, since a register that has lost a majority of its disks refuses to go on; or while none votes yet.
 */
class RegisterRandomTest {
    private static final int STEPS = 400;

    private long views;
    private long losses;

    @Test
    void keepsItsPromisesOverManySchedules() {
        int schedules = Integer.getInteger("lockstep.register.schedules", 3_000);
        long seed = Long.getLong("lockstep.register.seed", 20_261_121L);
        System.out.printf("register, random: seed %d, %d schedules%n", seed, schedules);
        for (int i = 0; i < schedules; i++) {
            run(seed + i);
        }
        System.out.printf("register, random: %,d views committed, %,d disks lost%n", views, losses);
        assertThat(views).isGreaterThan(schedules);
        assertThat(losses).isPositive();
    }

    /** A third of the schedules begin with new disks; one frame in five is lost, any may come late, twice or out of order. */
    private void run(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        boolean small = random.nextBoolean();
        RegisterWorld world = new RegisterWorld(small ? 3 : 5, small ? 2 : 3, STEPS);
        if (random.nextInt(3) > 0) {
            world.bootstrap();
        }
        try {
            for (int step = 0; step < STEPS; step++) {
                step(world, random);
                world.checkNothingForgotten();
            }
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed, e);
        }
        views += world.newestShown();
    }

    private void step(RegisterWorld world, SplittableRandom random) {
        int p = random.nextInt(world.proposerCount());
        int dice = random.nextInt(1000);
        if (world.mayBegin(p) && dice < 400) {
            if (dice < 100) {
                world.beginRead(p);
            } else if (dice < 150) {
                world.beginNaming(p);
            } else {
                world.beginChange(p);
            }
        } else if (world.isBusy(p) && dice < 60) {
            world.letTimePass(p, random.nextLong(RegisterProposer.ROUND_MAX_NS));
        } else if (dice < 65) {
            world.restart(p, random.nextLong());
        } else if (dice < 75 && (world.allVote() || world.nobodyVotes())) {
            world.loseDisk(random.nextInt(world.voterCount()));
            losses++;
        } else {
            deliver(world, random);
        }
    }

    private static void deliver(RegisterWorld world, SplittableRandom random) {
        List<Sent> inFlight = world.inFlight();
        if (inFlight.isEmpty()) {
            return;
        }
        // Mostly among the newest, so that rounds come to an end; sometimes any.
        int window = random.nextInt(8) == 0 ? inFlight.size() : Math.min(12, inFlight.size());
        Sent sent = inFlight.get(inFlight.size() - 1 - random.nextInt(window));
        boolean again = random.nextInt(10) == 0;
        if (!again) {
            inFlight.remove(sent);
        }
        if (random.nextInt(5) == 0) {
            return;
        }
        if (world.isForVoter(sent)) {
            world.deliver(sent, random.nextInt(3) > 0);
        } else {
            world.deliverReply(sent);
        }
    }

    /**
     * A schedule that chance does not find. One proposer has the promise of v2, another then commits with v0 and v2, v0
     * loses its disk, and the first goes on with v1 and the new disk of v0: two voters, yet v2 alone remembers.
     */
    @Test
    void aNewDiskDoesNotCountForTheValueThatNamesIt() {
        RegisterWorld world = new RegisterWorld(3, 2, 1);
        world.bootstrap();
        world.beginChange(1);
        deliver(world, "p1", "v2", Frame.Prepare.class);
        world.beginChange(0);
        deliver(world, "p0", "v0", Frame.Prepare.class);
        deliver(world, "p0", "v2", Frame.Prepare.class);
        deliver(world, "p0", "v0", Frame.Accept.class);
        deliver(world, "p0", "v2", Frame.Accept.class);
        assertThat(world.newestShown()).isEqualTo(2);
        world.loseDisk(0);
        deliver(world, "p1", "v0", Frame.Prepare.class);
        deliver(world, "p1", "v1", Frame.Prepare.class);
        deliver(world, "p1", "v1", Frame.Accept.class);
        deliver(world, "p1", "v0", Frame.Accept.class);
        world.checkNothingForgotten();
        assertThat(world.newestShown()).isEqualTo(2);
        assertThat(world.isBusy(1)).isTrue();
    }

    private static void deliver(RegisterWorld world, String from, String to, Class<? extends Frame> type) {
        Sent sent = world.inFlight().stream()
                .filter(s -> s.from().equals(from) && s.to().equals(to) && type.isInstance(s.frame()))
                .findFirst()
                .orElseThrow();
        world.inFlight().remove(sent);
        world.deliver(sent, false);
    }
}
