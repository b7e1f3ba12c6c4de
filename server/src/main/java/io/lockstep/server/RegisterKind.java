package io.lockstep.server;

/** Where the view register is kept. */
public enum RegisterKind {
    /** On the disks of our own voters. */
    CASPAXOS,
    /** In a ZooKeeper ensemble that is there already. */
    ZOOKEEPER
}
