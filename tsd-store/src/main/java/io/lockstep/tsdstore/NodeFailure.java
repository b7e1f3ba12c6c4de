package io.lockstep.tsdstore;

/**
 * An execution failed for reasons of this node's own: memory, disk, a closed database. That is no outcome (rule R2), so
 * the node stops; the store is not to be used any more.
 */
public final class NodeFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what this node could not do */
    public NodeFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
