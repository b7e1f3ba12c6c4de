package io.lockstep.tests.bench;

import org.HdrHistogram.Histogram;

/**
 * What one round of a closed loop gave. Read by one thread.
 *
 * @param messages answered
 * @param seconds that took
 * @param latenciesUs of each message, in microseconds
 * @param errors that callers saw
 * @param processorNs used by callers and servers together, compilers excepted
 */
record Round(long messages, double seconds, Histogram latenciesUs, long errors, long processorNs) {
    Round(long messages, double seconds, Histogram latenciesUs, long errors) {
        this(messages, seconds, latenciesUs, errors, 0);
    }

    Round costing(long usedNs) {
        return new Round(messages, seconds, latenciesUs, errors, usedNs);
    }

    /** Microseconds of processor time for each message. */
    double processorUs() {
        return messages == 0 ? 0 : processorNs / 1e3 / messages;
    }

    double messagesPerSecond() {
        return messages / seconds;
    }
}
