package io.lockstep.wire;

/**
 * Number of one attempt to change the view register; totally ordered, never used twice.
 *
 * @param counter rises with every attempt
 * @param proposer incarnation of the process that attempts
 */
public record Ballot(long counter, long proposer) implements Comparable<Ballot> {
    /** Before every attempt. */
    public static final Ballot ZERO = new Ballot(0, 0);

    @Override
    public int compareTo(Ballot other) {
        int byCounter = Long.compare(counter, other.counter);
        return byCounter != 0 ? byCounter : Long.compare(proposer, other.proposer);
    }
}
