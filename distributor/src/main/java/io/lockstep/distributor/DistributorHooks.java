package io.lockstep.distributor;

import io.lockstep.wire.Frame;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What the process around a distributor adds to it. All three are called by threads of the distributor.
 *
 * @param status answers a {@link Frame.StatusAsk}'s question with one JSON document; may take its time
 * @param voter takes frames for a voter of the view register that a node sent, and replies when it likes, from any thread
 * @param onFailure the distributor has met a fault of its own and has stopped
 */
public record DistributorHooks(Function<String, String> status, Voter voter, Consumer<Throwable> onFailure) {
    /** A voter of the view register; must hand over quickly and not wait. */
    public interface Voter {
        /**
         * A frame for a voter.
         *
         * @param reply sends the answer back on the connection on which it came
         */
        void onFrame(Frame frame, Consumer<Frame> reply);
    }

    /** For a distributor that is no voter and tells nothing. */
    public static DistributorHooks none() {
        return new DistributorHooks(question -> "{}", (frame, reply) -> {}, failure -> {});
    }
}
