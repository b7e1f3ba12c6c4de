package io.lockstep.tests.bench;

import org.HdrHistogram.Histogram;

/**
 * What one round of a closed loop gave. Read by one thread.
 *
 * @param messages answered
 * @param seconds that took
 * @param latenciesUs of each message, in microseconds
 * @param errors that callers saw
 */
record Round(long messages, double seconds, Histogram latenciesUs, long errors) {
    double messagesPerSecond() {
        return messages / seconds;
    }
}
