package io.lockstep.tests.onejvm;

import io.lockstep.wire.Frame;
import java.util.List;

/** Where a message is when a process dies: each is arranged before it is sent, and reached when something is held. */
enum Moment {
    /** Row 5: on its way to the active (S2). */
    BEFORE_TAKEN {
        @Override
        Runnable arrange(Drill drill, NodeActor active) {
            List<Way> ways = drill.fromDistributors(active);
            ways.forEach(way -> way.hold(frame -> frame instanceof Frame.Ask));
            return () -> Drill.awaitHeld(ways);
        }
    },
    /** Row 7: in execution, its transaction open (S4). */
    IN_EXECUTION {
        @Override
        Runnable arrange(Drill drill, NodeActor active) {
            active.service().hold();
            return active.service()::awaitHeld;
        }
    },
    /** Row 8: executed, and on its way to nobody (S5). */
    BEFORE_FORWARDED {
        @Override
        Runnable arrange(Drill drill, NodeActor active) {
            List<Way> ways = drill.toNodes(active);
            ways.forEach(way -> way.hold(Moment::hasEntries));
            return () -> Drill.awaitHeld(ways);
        }
    },
    /** Row 9: half of the frame with it has arrived (S6). */
    HALF_FORWARDED {
        @Override
        Runnable arrange(Drill drill, NodeActor active) {
            List<Way> ways = drill.toNodes(active);
            ways.forEach(way -> way.halve(Moment::hasEntries));
            return () -> Drill.awaitHeld(ways);
        }
    },
    /** Row 10: held by the backup, which the active does not know (S9). */
    BEFORE_ACKNOWLEDGED {
        @Override
        Runnable arrange(Drill drill, NodeActor active) {
            NodeActor backup = drill.backup();
            Way acknowledgements = drill.way(backup, active);
            long before = drill.witness().lastPosition();
            acknowledgements.hold(
                    frame -> frame instanceof Frame.Acknowledge acknowledge && acknowledge.receivedPosition() > before);
            return () -> Drill.awaitHeld(List.of(acknowledgements));
        }
    },
    /** Row 11: acknowledged, its answer on the way (S10). */
    BEFORE_ANSWERED {
        @Override
        Runnable arrange(Drill drill, NodeActor active) {
            List<Way> ways = drill.toDistributors(active);
            ways.forEach(way -> way.hold(frame -> frame instanceof Frame.Reply));
            return () -> Drill.awaitHeld(ways);
        }
    };

    /**
     * Makes the next message stop there.
     *
     * @return waits until it has
     */
    abstract Runnable arrange(Drill drill, NodeActor active);

    /** Entries, as opposed to a sign of life. */
    static boolean hasEntries(Frame frame) {
        return frame instanceof Frame.Forward forward && !forward.entries().isEmpty();
    }
}
