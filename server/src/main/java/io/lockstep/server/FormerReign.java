package io.lockstep.server;

/**
 * A reign of this process that somebody else ended, for {@code status} and drills. Immutable, safe from any thread.
 *
 * @param term of the reign
 * @param answersSincePause answers that its gate let go after the process last stood still for longer than half of
 *     {@code failure-detection}; negative when it never did
 */
public record FormerReign(long term, long answersSincePause) {}
