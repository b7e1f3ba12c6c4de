package io.lockstep.wire;

/**
 * What happens on connections. Called by the network thread, for one connection in order and never by two threads at a
 * time: it must hand over quickly and not wait.
 */
public interface ConnectionListener {
    /** Both sides have greeted: version, cluster and role are known. */
    void onOpen(Connection connection);

    /**
     * A frame arrived. Greetings and farewells are not shown here.
     *
     * @param incarnation of the sender, the same for all frames of a connection
     */
    void onFrame(Connection connection, long incarnation, Frame frame);

    /** It is over; said once for every connection that was opened, and nothing of it follows. */
    void onClosed(Connection connection, String reason);

    /** {@link Connection#isWritable} was false and is true again. */
    default void onWritable(Connection connection) {}
}
