package io.lockstep.membership;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which processes there are, where they can be reached and how they say they are. Safe from any thread, because every
 * answer is a snapshot.
 *
 * <p>All of it is hints: a process listed here may be dead and a living one may be missing for seconds. Nothing here
 * says who is active; that is the {@link ViewRegister}'s alone.
 */
public interface Members extends AutoCloseable {
    /** Makes this process known, or known again with another incarnation; takes effect at the others a little later. */
    void publish(Endpoint self);

    /** Where the process of that name is. */
    Optional<Endpoint> find(String name);

    /** Every known process, this one included, in the order of their names. */
    List<Endpoint> all();

    /** Adds a listener; it is told at once of every process known by now. */
    void listen(MembersListener listener);

    /**
     * Replaces what this process tells about itself.
     *
     * @param name of this process
     * @param json one JSON document
     */
    void publishStatus(String name, String json);

    /** What every process last told about itself, by name; those that have gone are left out. */
    Map<String, String> statuses();

    /** Leaves at once, without farewell. */
    @Override
    void close();
}
