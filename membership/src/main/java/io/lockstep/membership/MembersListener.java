package io.lockstep.membership;

/**
 * Hears of processes that come and go. Called on threads of the membership library, one call at a time per process
 * name: it must only leave a note for its own agent.
 */
public interface MembersListener {
    /** A process has been found. */
    void onAppeared(Endpoint endpoint);

    /** A process is somewhere else, or is another run of itself. */
    void onChanged(Endpoint before, Endpoint endpoint);

    /** A process seems to have gone. */
    void onGone(Endpoint endpoint);
}
