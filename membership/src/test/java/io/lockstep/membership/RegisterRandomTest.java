package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.RegisterWorld.Sent;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Thousands of random schedules with more voters and proposers than can be explored; each from its own seed. */
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
        RegisterWorld world = new RegisterWorld(5, 3, STEPS);
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
        } else if (dice < 69 && world.allVote()) {
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
}
