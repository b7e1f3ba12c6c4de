package io.lockstep.tests.differential;

/** A Lockstep database whose active can be killed. Used by one thread. */
interface Site extends AutoCloseable {
    /** JDBC URL of the database, without user and password. */
    String url();

    /** Kills the active. */
    void kill();

    /** Starts whoever was killed, as a new run that joins beside what goes on; does not wait for it. */
    void restart();

    /** All nodes live and are in sync; starts again whoever does not. @throws IllegalStateException they will not be */
    void mend();

    /** Asks all nodes whether they are equal; to be called when they are in sync. @return the digest */
    long digest();

    @Override
    void close();
}
