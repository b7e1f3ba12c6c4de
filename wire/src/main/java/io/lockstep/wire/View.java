package io.lockstep.wire;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The value of the view register: who is active and which backups are in sync.
 *
 * @param version rises by one with every change
 * @param term reign of the active: rises by one when the active or its incarnation changes
 * @param active who answers
 * @param backups who must have acknowledged before anything is answered
 * @param voters who holds the register, each with the id of its disk
 * @param nonce the proposer's, so that it recognizes its own value
 */
public record View(long version, long term, Member active, List<Member> backups, List<Voter> voters, long nonce) {
    public View {
        backups = List.copyOf(backups);
        voters = List.copyOf(voters);
    }

    /**
     * One run of one node's process.
     *
     * @param name the node's configured name
     * @param incarnation new at every start
     */
    public record Member(String name, long incarnation) {
        // Written out because members are compared for every frame; what the compiler makes of a record is slower.
        @Override
        public boolean equals(@Nullable Object other) {
            return this == other
                    || (other instanceof Member that && incarnation == that.incarnation && name.equals(that.name));
        }

        @Override
        public int hashCode() {
            return Long.hashCode(incarnation) ^ name.hashCode();
        }

        @Override
        public String toString() {
            return name + "/" + Long.toHexString(incarnation);
        }
    }

    /**
     * One holder of the register.
     *
     * @param name configured name of a node, distributor or arbiter
     * @param diskId drawn when its disk was new
     */
    public record Voter(String name, long diskId) {}

    /** Whether that very run of that node is an in-sync backup. */
    public boolean hasBackup(Member member) {
        return backups.contains(member);
    }

    /** The in-sync backup of that name, if there is one. */
    public Optional<Member> backup(String name) {
        return backups.stream().filter(b -> b.name().equals(name)).findFirst();
    }

    @Override
    public String toString() {
        return "view " + version + " term " + term + " active " + active + " backups " + backups;
    }
}
