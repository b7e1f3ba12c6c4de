package io.lockstep.tsdstore;

import io.lockstep.tsdstore.sql.TablesMoment;
import io.lockstep.wire.Identity;
import java.util.List;

/**
 * The records of a node at one moment, to be compared with another node's. Made by the lane, then touched by one other
 * thread while the lane goes on.
 *
 * @param at last entry that was executed
 * @param chain chain digest there
 * @param databases equal in number and order on all nodes
 */
public record StateMoment(Identity at, long chain, List<TablesMoment> databases) {
    public StateMoment {
        databases = List.copyOf(databases);
    }
}
